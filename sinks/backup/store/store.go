// Package store opens the object store that a URL names, as a *blob.Bucket,
// and makes sure that only-if-absent is real there.
package store

import (
	"context"
	"fmt"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

// Secret reads a secret at each use. Its error must not hold the secret.
type Secret func() (string, error)

// Options say which store, and how we prove who we are. At most one of the
// credentials is given; none needs Ambient, save for file and mem.
type Options struct {
	// URL is file:///dir, s3://bucket/prefix?region=&endpoint=&use_path_style=true,
	// gs://bucket/prefix, azblob://container/prefix?account=&domain=&protocol=, mem://.
	URL     string
	S3      *S3
	GCS     *GCS
	Azure   *Azure
	Ambient bool // whatever identity the host has may be used
}

// S3 are access keys.
type S3 struct{ AccessKeyID, SecretAccessKey, SessionToken Secret }

// GCS is a service account.
type GCS struct{ ServiceAccountJSON Secret }

// Azure is an account key, a SAS token, or a service principal.
type Azure struct {
	Account                          string
	AccountKey, SASToken             Secret
	TenantID, ClientID, ClientSecret Secret
}

// Open reaches a store; the prefix of the URL is taken off. Nothing is written,
// and no error holds a secret. The bucket is safe for concurrent use.
func Open(ctx context.Context, o Options) (*blob.Bucket, error) {
	a, err := parse(o.URL)
	if err != nil {
		return nil, err
	}
	known := &secrets{}
	b, err := a.open(ctx, o, known)
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", Name(o.URL), clean(err, known))
	}
	if a.scheme != "file" && a.scheme != "mem" {
		b = through.Bucket(b, cleaning(known))
	}
	if a.prefix != "" {
		b = blob.PrefixedBucket(b, a.prefix)
	}
	return b, nil
}

func (a address) open(ctx context.Context, o Options, known *secrets) (*blob.Bucket, error) {
	switch a.scheme {
	case "file":
		return openDirectory(a.path, a.flag("create_dir"))
	case "mem":
		return memblob.OpenBucket(&memblob.Options{NoMD5: true}), nil
	case "s3":
		return openS3(ctx, a, o, known)
	case "gs":
		return openGCS(ctx, a, o, known)
	}
	return openAzure(ctx, a, o, known)
}
