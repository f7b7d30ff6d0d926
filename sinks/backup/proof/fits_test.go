package proof

import (
	"errors"
	"strings"
	"testing"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

func TestADrillThatDoesNotFitIntoTheProcessSaysTheLimitAndOtherMistakesAreTheirOwn(t *testing.T) {
	p := &repository.Point{Manifest: format.Manifest{Number: 7, Topics: []format.Topic{{Name: "orders"}, {Name: "__consumer_offsets", Internal: true}}}}
	var large *TooLargeError
	if err := Fits(p, nil, -1); !errors.As(err, &large) || large.Point != 7 || !strings.Contains(err.Error(), "of point 7") {
		t.Errorf("more than fits: %v", err)
	}
	if err := Fits(p, nil, 0); err != nil {
		t.Errorf("what fits: %v", err)
	}
	if err := Fits(p, []string{"pay*"}, 0); err == nil || errors.As(err, &large) {
		t.Errorf("topics that it does not hold: %v", err)
	}
}
