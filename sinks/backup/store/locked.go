package store

import (
	"context"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Locked tells a delete that object lock, or a role that may not, refuses from a
// store that fails: some drivers have no code for it, but then the store answers
// and has the object.
func Locked(ctx context.Context, b *blob.Bucket, name string, err error) bool {
	switch gcerrors.Code(err) {
	case gcerrors.PermissionDenied, gcerrors.FailedPrecondition:
		return true
	case gcerrors.Canceled, gcerrors.DeadlineExceeded:
		return false
	}
	there, asked := b.Exists(ctx, name)
	return asked == nil && there
}
