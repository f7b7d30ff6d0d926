package repository

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// mostFound bounds what one verification says: a pack of ten thousand bad
// frames is one fact.
const mostFound = 100

// finding is what is found of one point, or of the repository as a whole. It is
// safe for concurrent use.
type finding struct {
	number int64
	sealed bool // its packs cannot be decrypted here

	mu      sync.Mutex
	damages []string
	notes   []string
	sums    []format.Digest
}

// damaged notes a damage, once.
func (f *finding) damaged(words string) { f.put(&f.damages, words) }

// note notes what is worth knowing and no damage.
func (f *finding) note(words string) { f.put(&f.notes, words) }

func (f *finding) put(to *[]string, words string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(*to, words) && len(*to) <= mostFound {
		*to = append(*to, words)
	}
}

func (f *finding) digest(d format.Digest) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sums = append(f.sums, d)
}

// result is the finding as it is written down.
func (f *finding) result(level Level, began, ended time.Time, by string) format.Verification {
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.SortFunc(f.sums, func(a, b format.Digest) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	if f.sealed {
		level, f.sums = Structure, nil // no more was looked at
	}
	found := slices.Concat(capped(f.damages), capped(f.notes))
	return format.Verification{
		Point: f.number, Level: string(level), Good: len(f.damages) == 0, Found: found, Digests: f.sums,
		Began: began, Ended: ended, By: by,
	}
}

// capped says instead of the last that there are more.
func capped(words []string) []string {
	if len(words) <= mostFound {
		return words
	}
	return append(slices.Clone(words[:mostFound]), fmt.Sprintf("and more than these %d", mostFound))
}
