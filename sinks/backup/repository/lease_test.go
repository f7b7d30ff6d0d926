package repository

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/sinks/backup/format"
	"github.com/ottla-io/ottla/sinks/backup/store/storetest"
	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

var monday = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

// bidAt is a bid of a minute by holder, seconds after monday.
func bidAt(number int64, holder string, seconds int, released bool) bid {
	return bid{format.Lease{Holder: holder, TTL: time.Minute, Released: released}, number, monday.Add(time.Duration(seconds) * time.Second)}
}

func TestWhoHasTheLeaseIsAFunctionOfTheBids(t *testing.T) {
	for name, c := range map[string]struct {
		bids []bid
		want string
	}{
		"nobody":                              {nil, ""},
		"the first":                           {[]bid{bidAt(1, "a", 0, false)}, "a"},
		"the first, not who came too early":   {[]bid{bidAt(1, "a", 0, false), bidAt(2, "b", 59, false)}, "a"},
		"the slack of the store's clock":      {[]bid{bidAt(1, "a", 0, false), bidAt(2, "b", 61, false)}, "a"},
		"who came after the end":              {[]bid{bidAt(1, "a", 0, false), bidAt(2, "b", 62, false)}, "b"},
		"who renewed":                         {[]bid{bidAt(1, "a", 0, false), bidAt(2, "a", 20, false), bidAt(3, "b", 70, false)}, "a"},
		"who came after a release":            {[]bid{bidAt(1, "a", 0, false), bidAt(2, "a", 5, true), bidAt(3, "b", 6, false)}, "b"},
		"not a bid that lost, though it lies": {[]bid{bidAt(1, "a", 0, false), bidAt(2, "b", 10, false), bidAt(3, "c", 65, false)}, "c"},
		"not who renews what it lost":         {[]bid{bidAt(1, "a", 0, false), bidAt(2, "b", 70, false), bidAt(3, "a", 80, false)}, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := winner(c.bids).Holder; got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Whoever reads only the tail of the bids sees who has the lease as well as
// whoever reads all.
func TestTheTailOfTheBidsTellsTheSame(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test
		var bids []bid
		at := 0
		for n := range int64(40) {
			at += random.IntN(40)
			b := bidAt(n+1, fmt.Sprint(random.IntN(3)), at, random.IntN(6) == 0)
			b.On = winner(bids).number
			bids = append(bids, b)
			whole, tail := winner(bids), winner(bids)
			if b.On > 0 {
				tail = winner(bids[b.On-1:])
			}
			if whole != tail {
				t.Fatalf("seed %d, bid %d: all say %d, the tail says %d", seed, n+1, whole.number, tail.number)
			}
		}
	}
}

func opened(t *testing.T, b *blob.Bucket, writer string) *Repository {
	t.Helper()
	r, err := Open(t.Context(), Options{Bucket: b, Writer: writer, Identity: format.Identity{Name: "nightly", Cluster: cluster}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOfSixteenWritersOneGetsTheLease(t *testing.T) {
	b := memory(t)
	for round := range 20 {
		var mu sync.Mutex
		var won []*Lease
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				l, err := opened(t, b, fmt.Sprint(i)).Acquire(t.Context(), time.Minute)
				var held *HeldError
				if err != nil && !errors.As(err, &held) && !errors.Is(err, ErrTaken) {
					t.Error(err)
				}
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					won = append(won, l)
				}
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("round %d: %d have the lease", round, len(won))
		}
		if err := won[0].Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestABidOfWhichNobodySawWhatCameIsTakenBack(t *testing.T) {
	b, faults := memory(t), &storetest.Faults{}
	faults.Fail(2, storetest.Before, through.List)
	if l, err := opened(t, faults.Wrap(b), "one").Acquire(t.Context(), time.Hour); err == nil {
		t.Fatalf("%s has it: the second listing does not fail", l.holder)
	}
	l, err := opened(t, b, "two").Acquire(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAHeldLeaseNamesItsHolder(t *testing.T) {
	b := memory(t)
	l, err := opened(t, b, "one").Acquire(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	other := opened(t, b, "two")
	var held *HeldError
	for range 3 {
		if _, err := other.Acquire(t.Context(), time.Minute); !errors.As(err, &held) || held.Holder != l.holder {
			t.Fatalf("got %v", err)
		}
	}
	if objects, err := other.list(t.Context(), leases); err != nil || len(objects) != 2 {
		t.Errorf("%d bids, %v: who knows that a lease is held bids once at most", len(objects), err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := context.Cause(l.Context()); !errors.Is(err, ErrLease) {
		t.Errorf("got %v", err)
	}
	again, err := other.Acquire(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestALeaseRenewsItselfAndIsTakenOverWhenItsHolderDied(t *testing.T) {
	b := memory(t)
	ctx, die := context.WithCancel(t.Context())
	l, err := opened(t, b, "one").Acquire(ctx, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	other := opened(t, b, "two")
	eventually(t, func() bool {
		objects, err := other.list(t.Context(), leases)
		return err == nil && len(objects) >= 4
	})
	if err := l.check(t.Context(), l.r); err != nil {
		t.Error(err)
	}
	die()
	<-l.done
	eventually(t, func() bool {
		taken, err := other.Acquire(t.Context(), time.Minute)
		if err != nil {
			return false
		}
		return taken.Release(t.Context()) == nil
	})
	if err := l.check(t.Context(), l.r); !errors.Is(err, ErrLease) {
		t.Errorf("got %v", err)
	}
}

func TestALeaseThatAnotherTookEndsItsContext(t *testing.T) {
	b := memory(t)
	l, err := opened(t, b, "one").Acquire(t.Context(), 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	// Somebody whose clock ran ahead has written a bid that says it won.
	thief := opened(t, b, "two").Series(leases, format.KindLease)
	number := int64(1000)
	if err := thief.Put(t.Context(), number, format.Lease{Holder: "two", TTL: time.Hour}); err != nil {
		t.Fatal(err)
	}
	<-l.Context().Done()
	if err := context.Cause(l.Context()); !errors.Is(err, ErrLease) {
		t.Errorf("got %v", err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Errorf("releasing what is lost: %v", err)
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("it did not happen within ten seconds")
		case <-again.C:
		}
	}
}
