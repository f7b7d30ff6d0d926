package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"gocloud.dev/blob"
)

// Names lists the names below a series' first part: of restores/NAME each NAME.
func (r *Repository) Names(ctx context.Context, dir string) ([]string, error) {
	var names []string
	for i := r.o.Bucket.List(&blob.ListOptions{Prefix: r.root + dir + "/", Delimiter: "/"}); ; {
		l, err := i.Next(ctx)
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", dir, err)
		}
		if l.IsDir {
			names = append(names, path.Base(l.Key))
		}
	}
}
