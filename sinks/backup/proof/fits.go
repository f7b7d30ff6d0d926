package proof

import (
	"fmt"

	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// EmbeddedMost is how many bytes of records a Kafka in the process takes: it
// keeps all in memory.
const EmbeddedMost = 1 << 30

// TooLargeError says that a drill does not fit into a Kafka in the process.
type TooLargeError struct{ Point, Bytes, Most int64 }

// Error says what the limit is.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the topics that the drill takes of point %d are %d MiB, and a Kafka in this process takes %d MiB, all in memory",
		e.Point, e.Bytes>>20, e.Most>>20)
}

// Fits refuses a drill into a Kafka in the process that would take more memory
// than most. Only the topics count that a drill of these patterns takes.
func Fits(p *repository.Point, topics []string, most int64) error {
	taken, err := choose(p, topics)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, t := range taken {
		for _, one := range t.Partitions {
			for _, ref := range p.Refs(t.Name, one.Partition) {
				total += ref.Raw
			}
		}
	}
	if total > most {
		return &TooLargeError{p.Number, total, most}
	}
	return nil
}
