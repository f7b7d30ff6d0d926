package store

import (
	"context"
	"time"

	"cloud.google.com/go/storage"
	azure "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Refuses tells a delete that object lock, or a role that may not, refuses from a
// store that fails: some drivers have no code for it, but then the store answers
// and has the object.
func Refuses(ctx context.Context, b *blob.Bucket, key string, err error) bool {
	switch gcerrors.Code(err) {
	case gcerrors.PermissionDenied, gcerrors.FailedPrecondition:
		return true
	case gcerrors.Canceled, gcerrors.DeadlineExceeded:
		return false
	}
	there, asked := b.Exists(ctx, key)
	return asked == nil && there
}

// Locked tells an object that the store keeps for a time, or until somebody
// lifts a hold (until is zero then), from one that we may not delete. What the
// store does not say of an object counts as not locked.
func Locked(ctx context.Context, b *blob.Bucket, key string) (until time.Time, locked bool) {
	a, err := b.Attributes(ctx, key)
	if err != nil {
		return time.Time{}, false
	}
	var onS3 s3.HeadObjectOutput
	var onGCS storage.ObjectAttrs
	var onAzure azure.GetPropertiesResponse
	switch {
	case a.As(&onS3):
		return lockedS3(onS3)
	case a.As(&onGCS):
		return lockedGCS(onGCS)
	case a.As(&onAzure):
		return lockedAzure(onAzure)
	}
	return time.Time{}, false
}

func lockedS3(o s3.HeadObjectOutput) (time.Time, bool) {
	if o.ObjectLockLegalHoldStatus == s3types.ObjectLockLegalHoldStatusOn {
		return time.Time{}, true
	}
	return moment(o.ObjectLockRetainUntilDate)
}

func lockedGCS(o storage.ObjectAttrs) (time.Time, bool) {
	if o.TemporaryHold || o.EventBasedHold {
		return time.Time{}, true
	}
	until := o.RetentionExpirationTime
	if o.Retention != nil && o.Retention.RetainUntil.After(until) {
		until = o.Retention.RetainUntil
	}
	return until, !until.IsZero()
}

func lockedAzure(o azure.GetPropertiesResponse) (time.Time, bool) {
	if o.LegalHold != nil && *o.LegalHold {
		return time.Time{}, true
	}
	return moment(o.ImmutabilityPolicyExpiresOn)
}

func moment(at *time.Time) (time.Time, bool) {
	if at == nil {
		return time.Time{}, false
	}
	return *at, true
}
