package groups

import (
	"fmt"
	"strings"
)

// elects refuses a group by which Ottla's agents elect their leader: its offsets
// are nobody's to set.
func elects(group string) error {
	if strings.HasPrefix(group, "__ottla") {
		return fmt.Errorf("consumer group %s is where Ottla's agents elect their leader: it is never touched", group)
	}
	return nil
}
