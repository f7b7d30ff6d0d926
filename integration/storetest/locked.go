package storetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ottla-io/ottla/sinks/backup/store"
)

// Writer may list, read and write in the buckets of Locked, and not delete.
const (
	Writer       = "ottla-writer"
	WriterSecret = "ottla-writer-secret"
)

// Locked is an S3 server whose buckets are versioned and hold object lock: for
// a day nobody may take away or replace a version.
func Locked(t testing.TB) *Server {
	t.Helper()
	users, versions := t.TempDir(), t.TempDir()
	s := versity(t, func(t testing.TB, s *Server, bucket string) { lock(t, s.S3Client(), bucket) },
		[]string{"--iam-dir", users}, []string{"--versioning-dir", versions})
	//nolint:gosec // our own program
	cmd := exec.CommandContext(t.Context(), s.process.cmd.Path, "admin", "--access", AccessKeyID, "--secret", SecretAccessKey,
		"--endpoint-url", "http://"+s.process.address, "create-user", "--access", Writer, "--secret", WriterSecret, "--role", "user")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make a user: %v\n%s", err, out)
	}
	return s
}

// AsWriter opens a URL that Bucket returned as Writer.
func (s *Server) AsWriter(url string) store.Options {
	return store.Options{URL: url, S3: &store.S3{AccessKeyID: said(Writer), SecretAccessKey: said(WriterSecret)}}
}

// S3Client speaks to an S3 server without our own code between.
func (s *Server) S3Client() *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + s.process.address), UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: AccessKeyID, SecretAccessKey: SecretAccessKey}, nil
		}),
	})
}

// lock makes a bucket that keeps every version for a day.
func lock(t testing.TB, client *s3.Client, bucket string) {
	t.Helper()
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket, ObjectLockEnabledForBucket: aws.Bool(true)})
	if err == nil {
		_, err = client.PutObjectLockConfiguration(t.Context(), &s3.PutObjectLockConfigurationInput{
			Bucket: &bucket, ObjectLockConfiguration: &types.ObjectLockConfiguration{
				ObjectLockEnabled: types.ObjectLockEnabledEnabled,
				Rule:              &types.ObjectLockRule{DefaultRetention: &types.DefaultRetention{Days: aws.Int32(1), Mode: types.ObjectLockRetentionModeCompliance}},
			},
		})
	}
	if err == nil {
		policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":[%[1]q]},
			"Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],"Resource":["arn:aws:s3:::%[2]s","arn:aws:s3:::%[2]s/*"]}]}`, Writer, bucket)
		_, err = client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &policy})
	}
	if err != nil {
		t.Fatalf("make the locked bucket %s: %v", bucket, err)
	}
}

// versity starts versitygw over a directory; more are flags of its own, and of
// the directory.
func versity(t testing.TB, create func(testing.TB, *Server, string), more ...[]string) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	binary, err := goProgram(ctx, "versitygw", "github.com/versity/versitygw/cmd/versitygw", VersitygwVersion)
	if err != nil {
		unavailable(t, err)
	}
	dir, err := os.MkdirTemp(t.TempDir(), "s3-")
	if err != nil {
		t.Fatal(err)
	}
	p := serve(t, func(address string) *exec.Cmd {
		var general, own []string
		if len(more) > 0 {
			general, own = more[0], more[1]
		}
		//nolint:gosec // our own program
		cmd := exec.Command(binary, slices.Concat([]string{"-p", address, "-q", "--health", "/health"}, general, []string{"posix"}, own, []string{dir})...)
		cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+AccessKeyID, "ROOT_SECRET_KEY="+SecretAccessKey)
		return cmd
	})
	s := &Server{
		Name: "s3", Dir: dir, process: p,
		Env: map[string]string{"AWS_ACCESS_KEY_ID": AccessKeyID, "AWS_SECRET_ACCESS_KEY": SecretAccessKey},
		options: func(o *store.Options) {
			o.S3 = &store.S3{AccessKeyID: said(AccessKeyID), SecretAccessKey: said(SecretAccessKey)}
		},
		url: func(bucket string) string {
			return fmt.Sprintf("s3://%s?endpoint=http://%s&use_path_style=true&region=us-east-1", bucket, p.address)
		},
	}
	s.make = func(t testing.TB, bucket string) { create(t, s, bucket) }
	return s.ready(t)
}
