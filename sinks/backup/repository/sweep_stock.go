package repository

import (
	"context"
	"strings"
	"time"
)

// stored is one of our objects as the bucket lists it.
type stored struct {
	name    string
	number  int64  // of a numbered object
	id      string // of a pack
	size    int64
	written time.Time // by the store's clock
}

// stock is what stands in a repository, by one listing: what is ours by its
// exact name, and what is foreign, which is never read and never touched.
type stock struct {
	now     time.Time // by the store's clock
	points  []stored  // by number
	packs   []stored  // by id
	series  map[string][]stored
	foreign []string // below the folders that are ours alone
}

// ours are the folders whose every object is ours, with what their names end
// in. Other folders (restores/NAME, evidence/NAME) belong to other rooms.
func ours(folder string) (suffix string, ok bool) {
	switch folder {
	case "points":
		return ".manifest", true
	case "packs":
		return ".pack", true
	case leases, removals, verifications, moves, policies:
		return ".json", true
	}
	return "", false
}

// takeStock lists the repository once.
func (r *Repository) takeStock(ctx context.Context) (*stock, error) {
	objects, err := r.list(ctx, "")
	if err != nil {
		return nil, err
	}
	s := &stock{now: r.now(), series: map[string][]stored{}}
	for _, o := range objects {
		s.add(o)
	}
	sortStored(s.points)
	for _, objects := range s.series {
		sortStored(objects)
	}
	return s, nil
}

func (s *stock) add(o object) {
	folder, base, below := strings.Cut(o.name, "/")
	suffix, known := ours(folder)
	if !known || !below {
		return
	}
	one := stored{name: o.name, size: o.size, written: o.written}
	stem, fits := strings.CutSuffix(base, suffix)
	if folder == "packs" {
		one.id, fits = stem, fits && isPackID(stem)
	} else {
		one.number, fits = numbered(o.name, folder+"/", suffix)
	}
	switch {
	case !fits:
		s.foreign = append(s.foreign, o.name)
	case folder == "points":
		s.points = append(s.points, one)
	case folder == "packs":
		s.packs = append(s.packs, one)
	default:
		s.series[folder] = append(s.series[folder], one)
	}
}
