package store

import (
	"testing"
	"time"

	"cloud.google.com/go/storage"
	azure "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob/memblob"
)

func TestALockIsReadFromWhatEachStoreSaysOfAnObject(t *testing.T) {
	day, hold := time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC), true
	is := func(at time.Time, locked bool) any { return [2]any{at, locked} }
	for name, c := range map[string]struct{ got, want any }{
		"s3: none":       {is(lockedS3(s3.HeadObjectOutput{})), is(time.Time{}, false)},
		"s3: until":      {is(lockedS3(s3.HeadObjectOutput{ObjectLockRetainUntilDate: &day})), is(day, true)},
		"s3: legal hold": {is(lockedS3(s3.HeadObjectOutput{ObjectLockLegalHoldStatus: s3types.ObjectLockLegalHoldStatusOn})), is(time.Time{}, true)},
		"gcs: none":      {is(lockedGCS(storage.ObjectAttrs{})), is(time.Time{}, false)},
		"gcs: bucket":    {is(lockedGCS(storage.ObjectAttrs{RetentionExpirationTime: day})), is(day, true)},
		"gcs: object":    {is(lockedGCS(storage.ObjectAttrs{Retention: &storage.ObjectRetention{RetainUntil: day}})), is(day, true)},
		"gcs: hold":      {is(lockedGCS(storage.ObjectAttrs{TemporaryHold: true})), is(time.Time{}, true)},
		"azure: none":    {is(lockedAzure(azure.GetPropertiesResponse{})), is(time.Time{}, false)},
		"azure: until":   {is(lockedAzure(azure.GetPropertiesResponse{ImmutabilityPolicyExpiresOn: &day})), is(day, true)},
		"azure: held":    {is(lockedAzure(azure.GetPropertiesResponse{LegalHold: &hold})), is(time.Time{}, true)},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
	b := memblob.OpenBucket(nil)
	t.Cleanup(func() { _ = b.Close() })
	if err := b.WriteAll(t.Context(), "x", nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"x", "nothing"} {
		if _, locked := Locked(t.Context(), b, key); locked {
			t.Errorf("%s of a store without locks is locked", key)
		}
	}
}
