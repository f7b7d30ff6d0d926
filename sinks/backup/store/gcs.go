package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/googleapi"
)

const scopeGCS = "https://www.googleapis.com/auth/devstorage.read_write"

// openGCS opens a bucket of Google Cloud Storage, or of the emulator that
// STORAGE_EMULATOR_HOST names. The SDK tries again what can be tried again,
// but not for ever.
func openGCS(ctx context.Context, a address, o Options, known *secrets) (*blob.Bucket, error) {
	// Tokens are fetched long after Open has returned.
	ctx = context.WithoutCancel(ctx)
	if o.GCS == nil && os.Getenv("STORAGE_EMULATOR_HOST") != "" {
		return patient(gcsblob.OpenBucket(ctx, gcp.NewAnonymousHTTPClient(gcp.DefaultTransport()), a.bucket, nil))
	}
	tokens, err := tokensGCS(ctx, o, known)
	if err != nil {
		return nil, err
	}
	client, err := gcp.NewHTTPClient(gcp.DefaultTransport(), tokens)
	if err != nil {
		return nil, err
	}
	return patient(gcsblob.OpenBucket(ctx, client, a.bucket, nil))
}

// attemptsGCS is how often a call is tried, over some fifteen seconds. Left to
// itself the SDK goes on until the context ends. Uploads it bounds by nothing
// else still: a run's context ends with its lease.
const attemptsGCS = 6

// patient bounds how long a bucket's calls are tried again.
func patient(b *blob.Bucket, err error) (*blob.Bucket, error) {
	if err != nil {
		return nil, err
	}
	var client *storage.Client
	if b.As(&client) {
		client.SetRetry(storage.WithMaxAttempts(attemptsGCS))
	}
	return b, nil
}

func tokensGCS(ctx context.Context, o Options, known *secrets) (oauth2.TokenSource, error) {
	switch {
	case o.GCS != nil && o.GCS.ServiceAccountJSON == nil:
		return nil, errors.New("the service account's JSON is missing")
	case o.GCS != nil:
		account := serviceAccount{ctx, o.GCS.ServiceAccountJSON, known}
		if _, err := account.config(); err != nil {
			return nil, err
		}
		return oauth2.ReuseTokenSource(nil, account), nil
	case !o.Ambient:
		return nil, errors.New("no service account is given, and the configuration does not allow the host's own identity (ambient) for this store")
	}
	found, err := google.FindDefaultCredentials(ctx, scopeGCS)
	if err != nil {
		return nil, err
	}
	return found.TokenSource, nil
}

// serviceAccount reads its JSON whenever a new token is needed.
type serviceAccount struct {
	ctx   context.Context
	json  Secret
	known *secrets
}

// Token implements oauth2.TokenSource.
func (s serviceAccount) Token() (*oauth2.Token, error) {
	source, err := s.config()
	if err != nil {
		return nil, err
	}
	return source.Token()
}

// config takes service accounts only: other kinds of credentials name programs
// to run and addresses to ask.
func (s serviceAccount) config() (oauth2.TokenSource, error) {
	text, err := s.known.read(s.json)
	if err != nil {
		return nil, fmt.Errorf("read the service account of the store: %w", err)
	}
	cfg, err := google.JWTConfigFromJSON([]byte(text), scopeGCS)
	if err != nil {
		return nil, errors.New(`the service account is not the JSON of a service account ("type": "service_account")`)
	}
	return cfg.TokenSource(s.ctx), nil
}

func hintGCS(err error) string {
	var api *googleapi.Error
	if !errors.As(err, &api) {
		var token *oauth2.RetrieveError
		if errors.As(err, &token) {
			return "Google does not take the service account"
		}
		return ""
	}
	switch api.Code {
	case http.StatusUnauthorized:
		return "the store does not take the credentials"
	case http.StatusForbidden:
		return "the store does not allow this: storage.objects.get, create, list and delete are needed"
	}
	return ""
}
