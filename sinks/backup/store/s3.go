package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// reread is how long credentials are used before their secret is read again, so
// that a rotated one needs no restart.
const reread = 5 * time.Minute

// openS3 opens a bucket of S3 or of a service like it. The SDK tries a request
// three times, so nothing above it tries again.
func openS3(ctx context.Context, a address, o Options, known *secrets) (*blob.Bucket, error) {
	cfg, err := awsConfig(ctx, a, o, known)
	if err != nil {
		return nil, err
	}
	// Services other than AWS's often know no trailing checksums. Every byte of a
	// backup has a checksum of its own.
	sums := aws.RequestChecksumCalculationWhenSupported
	endpoint := a.query.Get("endpoint")
	if endpoint != "" {
		sums = aws.RequestChecksumCalculationWhenRequired
		cfg.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
	cfg.RequestChecksumCalculation = sums
	cfg.Logger = logging.Nop{} // the SDK writes to standard error what it also returns
	client := s3.NewFromConfig(cfg, func(s *s3.Options) {
		s.UsePathStyle = a.flag("use_path_style")
		if endpoint != "" {
			s.BaseEndpoint = aws.String(endpoint)
		}
	})
	return s3blob.OpenBucket(ctx, client, a.bucket, &s3blob.Options{RequestChecksumCalculation: sums})
}

func awsConfig(ctx context.Context, a address, o Options, known *secrets) (aws.Config, error) {
	region := a.query.Get("region")
	if region == "" && a.query.Has("endpoint") {
		region = "us-east-1" // what services like S3 take for no region
	}
	switch {
	case o.S3 != nil && (o.S3.AccessKeyID == nil || o.S3.SecretAccessKey == nil):
		return aws.Config{}, errors.New("an access key for S3 has an id and a secret: one of the two is missing")
	case o.S3 == nil && !o.Ambient:
		return aws.Config{}, errors.New("no access key is given, and the configuration does not allow the host's own identity (ambient) for this store")
	case o.S3 == nil:
		return ambientAWS(ctx, region)
	case region == "":
		return aws.Config{}, errors.New("the region is missing: s3://bucket/prefix?region=eu-central-1")
	}
	return aws.Config{Region: region, Credentials: aws.NewCredentialsCache(keys{o.S3, known})}, nil
}

func ambientAWS(ctx context.Context, region string) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})} // as openS3 says
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err == nil && cfg.Region == "" {
		err = errors.New("the region is missing: s3://bucket/prefix?region=eu-central-1")
	}
	return cfg, err
}

// keys gives out an access key.
type keys struct {
	s3    *S3
	known *secrets
}

// Retrieve implements aws.CredentialsProvider.
func (k keys) Retrieve(context.Context) (c aws.Credentials, err error) {
	c = aws.Credentials{Source: "ottla", CanExpire: true, Expires: time.Now().Add(reread)}
	if c.AccessKeyID, err = k.known.read(k.s3.AccessKeyID); err != nil {
		return c, fmt.Errorf("read the access key id of the store: %w", err)
	}
	if c.SecretAccessKey, err = k.known.read(k.s3.SecretAccessKey); err != nil {
		return c, fmt.Errorf("read the secret access key of the store: %w", err)
	}
	if k.s3.SessionToken == nil {
		return c, nil
	}
	if c.SessionToken, err = k.known.read(k.s3.SessionToken); err != nil {
		return c, fmt.Errorf("read the session token of the store: %w", err)
	}
	return c, nil
}

// hintIdentity says what it means that no request was even signed. The SDK has
// no type for it.
func hintIdentity(err error) string {
	if !strings.Contains(err.Error(), "get credentials") {
		return ""
	}
	return "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give the host an identity, or configure the store with keys"
}

// hintS3 says what S3's own codes mean where gocloud's are silent.
func hintS3(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return hintIdentity(err)
	}
	switch api.ErrorCode() {
	case "SignatureDoesNotMatch":
		return "the secret access key does not belong to the access key id"
	case "InvalidAccessKeyId":
		return "the store does not know the access key id"
	case "ExpiredToken", "InvalidToken", "TokenRefreshRequired":
		return "the session token has expired or is not valid"
	case "RequestTimeTooSkewed":
		return "the clock of this host is wrong by more than the store allows"
	case "NoSuchBucket":
		return "there is no such bucket: make it first"
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException":
		return "the bucket is in another region: say which in the URL, ?region="
	case "AccessDenied", "Forbidden":
		return "the store does not allow this: s3:GetObject, s3:PutObject, s3:ListBucket and s3:DeleteObject are needed"
	case "NotImplemented":
		return "the store does not know a feature that backups need"
	case "SlowDown", "ServiceUnavailable":
		return "the store asks for fewer requests"
	}
	return ""
}
