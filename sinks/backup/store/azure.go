package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
)

// openAzure opens a container of Azure Blob Storage. Its credentials are read
// once: the SDK keeps them. The SDK tries a request four times.
func openAzure(ctx context.Context, a address, o Options, known *secrets) (*blob.Bucket, error) {
	account := a.query.Get("account")
	if o.Azure != nil && o.Azure.Account != "" {
		account = o.Azure.Account
	}
	where, err := containerURL(a, account)
	if err != nil {
		return nil, err
	}
	client, err := containerClient(where, account, o, known)
	if err != nil {
		return nil, err
	}
	return azureblob.OpenBucket(ctx, client, nil)
}

func containerURL(a address, account string) (string, error) {
	if account == "" {
		return "", errors.New("the storage account is missing: azblob://container/prefix?account=NAME")
	}
	service, err := azureblob.NewServiceURL(&azureblob.ServiceURLOptions{
		AccountName: account, StorageDomain: a.query.Get("domain"), Protocol: a.query.Get("protocol"),
	})
	if err != nil {
		return "", err
	}
	return url.JoinPath(string(service), a.bucket)
}

func containerClient(where, account string, o Options, known *secrets) (*container.Client, error) {
	az := o.Azure
	switch {
	case az != nil && az.AccountKey != nil:
		return withAccountKey(where, account, az, known)
	case az != nil && az.SASToken != nil:
		token, err := known.read(az.SASToken)
		if err != nil {
			return nil, fmt.Errorf("read the SAS token of the store: %w", err)
		}
		return container.NewClientWithNoCredential(where+"?"+strings.TrimPrefix(token, "?"), nil)
	case az != nil && az.ClientSecret != nil:
		return withPrincipal(where, az, known)
	case !o.Ambient:
		return nil, errors.New("no account key, SAS token or service principal is given, and the configuration does not allow the host's own identity (ambient) for this store")
	}
	identity, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	return container.NewClient(where, identity, nil)
}

func withAccountKey(where, account string, az *Azure, known *secrets) (*container.Client, error) {
	key, err := known.read(az.AccountKey)
	if err != nil {
		return nil, fmt.Errorf("read the account key of the store: %w", err)
	}
	shared, err := container.NewSharedKeyCredential(account, key)
	if err != nil {
		return nil, errors.New("the account key of the store is not base64")
	}
	return container.NewClientWithSharedKeyCredential(where, shared, nil)
}

func withPrincipal(where string, az *Azure, known *secrets) (*container.Client, error) {
	var values [3]string
	for i, p := range []struct {
		name   string
		secret Secret
	}{{"tenant id", az.TenantID}, {"client id", az.ClientID}, {"client secret", az.ClientSecret}} {
		if p.secret == nil {
			return nil, fmt.Errorf("the %s of the store's service principal is missing", p.name)
		}
		value, err := known.read(p.secret)
		if err != nil {
			return nil, fmt.Errorf("read the %s of the store: %w", p.name, err)
		}
		values[i] = value
	}
	principal, err := azidentity.NewClientSecretCredential(values[0], values[1], values[2], nil)
	if err != nil {
		return nil, err
	}
	return container.NewClient(where, principal, nil)
}

func hintAzure(err error) string {
	var api *azcore.ResponseError
	if !errors.As(err, &api) {
		return ""
	}
	switch bloberror.Code(api.ErrorCode) {
	case bloberror.AuthenticationFailed:
		return "the store does not take the account key, SAS token or principal"
	case bloberror.AuthorizationFailure:
		return "the store does not take the credentials, or does not let this host in"
	case bloberror.AuthorizationPermissionMismatch, bloberror.InsufficientAccountPermissions:
		return "the store does not allow this: reading, adding, listing and deleting blobs is needed"
	case bloberror.ContainerNotFound:
		return "there is no such container: make it first"
	}
	return ""
}

// hint says in words what an SDK says in codes.
func hint(err error) string {
	for _, say := range []func(error) string{hintS3, hintGCS, hintAzure} {
		if words := say(err); words != "" {
			return words
		}
	}
	return ""
}
