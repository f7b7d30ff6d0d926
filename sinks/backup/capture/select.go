package capture

import "github.com/ottla-io/ottla/sinks/backup/glob"

// Select tells which topics are backed up: those that a glob of include chooses
// (glob.Topic), and none of exclude matches.
func Select(topics []string, internal func(string) bool, include, exclude []string) []string {
	var chosen []string
	for _, name := range topics {
		if glob.Topic(include, name, internal != nil && internal(name)) && !glob.Any(exclude, name) {
			chosen = append(chosen, name)
		}
	}
	return chosen
}
