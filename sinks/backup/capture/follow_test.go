package capture

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/repository"
)

// fails writes down, as another process would, that a point is no good.
func (w *world) fails(point int64) {
	w.Helper()
	v := format.Verification{Point: point, Level: string(repository.Data), Found: []string{"pack x is cut off"}}
	if _, err := w.open("auditor").Series("verifications", format.KindVerification).Append(w.Context(), v); err != nil {
		w.Fatal(err)
	}
}

func TestAContinuousBackupDoesNotStandOnAPointThatFailedVerification(t *testing.T) {
	for name, own := range map[string]bool{"its own verification": true, "somebody else's": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.create("orders", 1)
			w.produce("orders", 0, values(0, 5)...)
			w.run(w.options("orders"))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var after []Report
			err := Follow(ctx, w.options("orders"), Window{Interval: time.Millisecond}, func(_ *repository.Lease, report Report, err error) bool {
				switch {
				case err != nil:
					if own || !errors.Is(err, repository.ErrTaken) {
						t.Error(err)
					}
					return true
				case report.Point.Number == 2:
					w.fails(2)
					return !own
				}
				after = append(after, report)
				cancel()
				return true
			})
			if !errors.Is(err, context.Canceled) || len(after) != 1 || after[0].Point.Parent != 1 {
				t.Fatalf("it stands on point %+v, %v", after, err)
			}
			w.same(after[0].Point, "orders", 0)
		})
	}
}
