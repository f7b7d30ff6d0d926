package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/smithy-go"
	"gocloud.dev/gcerrors"

	"github.com/ottla-io/ottla/sinks/backup/store/through"
)

// queries finds what stands behind the question mark of a URL.
var queries = regexp.MustCompile(`(https?://[^\s"'?]*)\?[^\s"']*`)

// secrets are the values that were read so far, so that no error shows them.
type secrets struct {
	mu     sync.Mutex
	values []string
}

// read reads a secret and remembers it.
func (s *secrets) read(secret Secret) (string, error) {
	value, err := secret()
	if err != nil {
		return "", err
	}
	value = strings.TrimSpace(value)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range []string{value, url.QueryEscape(value), url.PathEscape(value)} {
		if len(v) >= 4 && (len(s.values) == 0 || s.values[len(s.values)-1] != v) {
			s.values = append(s.values, v)
		}
	}
	if len(s.values) > 64 { // a secret that was changed often: the old ones are void
		s.values = s.values[len(s.values)-64:]
	}
	return value, nil
}

func (s *secrets) cut(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.values {
		text = strings.ReplaceAll(text, v, "…")
	}
	return text
}

// scrubbed is an error whose text holds no secret. The error behind it can be
// asked what it is, but is never printed.
type scrubbed struct {
	text string
	code gcerrors.ErrorCode
	err  error
}

// Error is the text without secrets.
func (s *scrubbed) Error() string { return s.text }

// Is looks for what callers may ask of any error; the SDK's own error stays hidden.
func (s *scrubbed) Is(target error) bool {
	return (target == context.Canceled || target == context.DeadlineExceeded) && errors.Is(s.err, target) //nolint:errorlint // the two sentinels themselves
}

// Code implements through.Coder.
func (s *scrubbed) Code() gcerrors.ErrorCode { return s.code }

func cleaning(known *secrets) through.Hook {
	return func(_ context.Context, _ through.Op, _ string, do func() error) error {
		return clean(do(), known)
	}
}

// clean says an SDK's error in one line: a signed URL's query, a SAS token and
// whatever else is secret cut out, and a hint where the code alone says nothing.
func clean(err error, known *secrets) error {
	if err == nil {
		return nil
	}
	text := queries.ReplaceAllString(brief(err), "$1?…")
	text = known.cut(strings.Join(strings.Fields(text), " "))
	if len(text) > 1000 {
		text = text[:1000] + "…"
	}
	if h := hint(err); h != "" {
		text = h + ": " + text
	}
	return &scrubbed{text: text, code: codeOf(err), err: err}
}

// brief is the SDK's own text: gocloud's around it says nothing more, and comes
// once more above. Azure's is a page of XML.
func brief(err error) string {
	var azure *azcore.ResponseError
	if errors.As(err, &azure) {
		return fmt.Sprintf("Azure answered %d %s", azure.StatusCode, azure.ErrorCode)
	}
	for strings.HasPrefix(err.Error(), "blob (") && errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err.Error()
}

// codeOf is gocloud's code, but for S3's answer to conditional writes that met:
// at most one of them has won, and this one has not.
func codeOf(err error) gcerrors.ErrorCode {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "ConditionalRequestConflict" {
		return gcerrors.FailedPrecondition
	}
	return gcerrors.Code(err)
}
