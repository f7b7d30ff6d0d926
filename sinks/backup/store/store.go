// Package store opens the object store that a URL names, as a *blob.Bucket,
// and makes sure that only-if-absent is real there.
package store

import (
	"context"

	"gocloud.dev/blob"
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

// Open reaches a store; the prefix of the URL is taken off. Nothing is written.
func Open(ctx context.Context, o Options) (*blob.Bucket, error) { panic("unbuilt") }

// Name is a URL without anything secret, for people: s3://bucket/prefix.
func Name(url string) string { panic("unbuilt") }

// Probe writes, reads, lists and removes a small object, and lets two writers
// race for one name: it is an error, with a hint, where both win.
func Probe(ctx context.Context, b *blob.Bucket) error { panic("unbuilt") }
