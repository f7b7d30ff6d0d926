package repository

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"gocloud.dev/blob"

	"github.com/ottla-io/ottla/sinks/backup/format"
)

// Safe tells whether a name can be part of an object's name in every store, and
// of a URL, as it is. Kafka's cluster ids may begin with - or _.
func Safe(part string) bool {
	return part != "" && len(part) <= 255 && part[0] != '.' && !strings.ContainsFunc(part, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_'
	})
}

// rootOf is where a repository begins below its store.
func rootOf(i format.Identity) (string, error) {
	for _, part := range []struct{ what, name string }{
		{"namespace", i.Namespace}, {"name", i.Name}, {"cluster id", i.Cluster},
	} {
		if !Safe(part.name) {
			return "", fmt.Errorf("open a backup repository: the %s %q is not made of letters, digits, dot, dash and underscore alone", part.what, part.name)
		}
	}
	return i.Namespace + "/" + i.Name + "/" + i.Cluster + "/", nil
}

// Find lists the repositories in a bucket, in the order of their names. What
// else is there is passed over.
func Find(ctx context.Context, b *blob.Bucket) ([]format.Identity, error) {
	roots := []string{""}
	for range 3 {
		var below []string
		for _, root := range roots {
			inside, err := folders(ctx, b, root)
			if err != nil {
				return nil, fmt.Errorf("look for backup repositories: %w", err)
			}
			below = append(below, inside...)
		}
		roots = below
	}
	var found []format.Identity
	for _, root := range roots {
		inside, err := folders(ctx, b, root)
		if err != nil {
			return nil, fmt.Errorf("look for backup repositories: %w", err)
		}
		if !slices.Contains(inside, root+points) && !slices.Contains(inside, root+"packs/") {
			continue
		}
		parts := strings.Split(root, "/")
		found = append(found, format.Identity{Namespace: parts[0], Name: parts[1], Cluster: parts[2]})
	}
	return found, nil
}

// folders lists what looks like folders directly below root.
func folders(ctx context.Context, b *blob.Bucket, root string) (names []string, err error) {
	for i := b.List(&blob.ListOptions{Prefix: root, Delimiter: "/"}); ; {
		l, err := i.Next(ctx)
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		if l.IsDir && Safe(strings.TrimSuffix(strings.TrimPrefix(l.Key, root), "/")) {
			names = append(names, l.Key)
		}
	}
}
