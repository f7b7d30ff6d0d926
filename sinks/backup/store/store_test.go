package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/smithy-go"
	"gocloud.dev/gcerrors"
)

func TestWhatCannotBeAStoreIsRefusedInWords(t *testing.T) {
	key := func() (string, error) { return "hush-hush", nil }
	for name, c := range map[string]struct {
		o     Options
		words string
	}{
		"nothing":                   {Options{}, `no store ""`},
		"another scheme":            {Options{URL: "ftp://bucket"}, `no store "ftp"`},
		"a broken URL":              {Options{URL: "s3://b\x7f?sig=hush-hush"}, "cannot be read"},
		"a user in the URL":         {Options{URL: "s3://id:hush-hush@bucket"}, "no user and password"},
		"no bucket":                 {Options{URL: "gs:///prefix"}, "names no bucket"},
		"an unknown parameter":      {Options{URL: "s3://b?profile=x"}, `unknown parameter "profile": s3 has region, endpoint, use_path_style`},
		"a parameter of gcs":        {Options{URL: "gs://b?anonymous=true"}, "gs has none"},
		"a flag that is none":       {Options{URL: "s3://b?use_path_style=maybe"}, "true or false"},
		"a parameter twice":         {Options{URL: "s3://b?region=a&region=b"}, "more than once"},
		"a dotted prefix":           {Options{URL: "s3://b/a/../c?region=x"}, "dotted part"},
		"a directory with a host":   {Options{URL: "file://var/backups"}, "three slashes"},
		"s3 without credentials":    {Options{URL: "s3://b?region=x"}, "ambient"},
		"s3 with half a key":        {Options{URL: "s3://b?region=x", S3: &S3{AccessKeyID: key}}, "one of the two is missing"},
		"s3 without a region":       {Options{URL: "s3://b", S3: &S3{AccessKeyID: key, SecretAccessKey: key}}, "?region="},
		"azure without an account":  {Options{URL: "azblob://c", Azure: &Azure{AccountKey: key}}, "account is missing"},
		"azure without credentials": {Options{URL: "azblob://c?account=a"}, "ambient"},
		"a key that is no base64":   {Options{URL: "azblob://c?account=a", Azure: &Azure{AccountKey: key}}, "not base64"},
		"half a principal":          {Options{URL: "azblob://c?account=a", Azure: &Azure{ClientSecret: key}}, "tenant id"},
		"gcs without credentials":   {Options{URL: "gs://b"}, "ambient"},
		"gcs with another JSON":     {Options{URL: "gs://b", GCS: &GCS{ServiceAccountJSON: key}}, "not the JSON of a service account"},
		"a secret that fails":       {Options{URL: "gs://b", GCS: &GCS{ServiceAccountJSON: func() (string, error) { return "", errors.New("no such file") }}}, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("STORAGE_EMULATOR_HOST", "")
			_, err := Open(t.Context(), c.o)
			if err == nil || !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "hush-hush") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAStoresNameHasNothingSecret(t *testing.T) {
	for url, want := range map[string]string{
		"s3://bucket/prefix?endpoint=http://h&region=x": "s3://bucket/prefix",
		"azblob://id:hush@c/p?sig=hush":                 "azblob://c/p",
		"file:///var/backups":                           "file:///var/backups",
		"s3://b\x7f?hush":                               "(a store whose URL cannot be read)",
	} {
		if got := Name(url); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestNoSecretGetsIntoAnError(t *testing.T) {
	known := &secrets{}
	if _, err := known.read(func() (string, error) { return "se/cret+key==\n", nil }); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err   error
		words string
	}{
		"a signed URL": {fmt.Errorf(`Get "https://c.blob.core.windows.net/x?sv=2&sig=abcdef": EOF`), `windows.net/x?…": EOF`},
		"the value":    {errors.New("cannot use se/cret+key=="), "cannot use …"},
		"escaped":      {errors.New("cannot use se%2Fcret%2Bkey%3D%3D"), "cannot use …"},
		"lines":        {errors.New("a\n\n  b"), "a b"},
		"s3":           {&smithy.GenericAPIError{Code: "SignatureDoesNotMatch", Message: "no"}, "the secret access key does not belong to the access key id: "},
		"azure":        {&azcore.ResponseError{StatusCode: 403, ErrorCode: "AuthenticationFailed"}, "Azure answered 403 AuthenticationFailed"},
	} {
		got := clean(c.err, known).Error()
		if !strings.Contains(got, c.words) || strings.Contains(got, "cret+") || strings.Contains(got, "abcdef") {
			t.Errorf("%s: got %s", name, got)
		}
	}
	if err := clean(fmt.Errorf("x: %w", context.Canceled), known); !errors.Is(err, context.Canceled) || gcerrors.Code(err) != gcerrors.Canceled {
		t.Errorf("got %v, %v", err, gcerrors.Code(err))
	}
	if clean(nil, known) != nil {
		t.Error("no error became one")
	}
}
