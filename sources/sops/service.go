package sops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	agearmor "filippo.io/age/armor"
	"github.com/ProtonMail/go-crypto/openpgp"
	pgparmor "github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/getsops/sops/v3/keyservice"
	"google.golang.org/grpc"
)

// service is a key service in this process over the configured keys, and over
// nothing else.
type service struct{ keys *Keys }

var _ keyservice.KeyServiceClient = service{}

// Data keys are 32 bytes; what is larger than this is not one.
const maxDataKey = 4096

var errNotUsable = errors.New("keys of this type are not used here")

// Decrypt opens a data key that was encrypted for one of the configured keys.
func (s service) Decrypt(_ context.Context, req *keyservice.DecryptRequest, _ ...grpc.CallOption) (*keyservice.DecryptResponse, error) {
	var plain []byte
	var err error
	switch req.GetKey().GetKeyType().(type) {
	case *keyservice.Key_AgeKey:
		plain, err = s.age(req.GetCiphertext())
	case *keyservice.Key_PgpKey:
		plain, err = s.pgp(req.GetCiphertext())
	default:
		err = errNotUsable
	}
	return &keyservice.DecryptResponse{Plaintext: plain}, err
}

// Encrypt is refused: Ottla reads secrets, it writes none.
func (s service) Encrypt(context.Context, *keyservice.EncryptRequest, ...grpc.CallOption) (*keyservice.EncryptResponse, error) {
	return nil, errors.New("encryption is not offered")
}

func (s service) age(sealed []byte) ([]byte, error) {
	if len(s.keys.age) == 0 {
		return nil, errors.New("no age key is configured")
	}
	r, err := age.Decrypt(agearmor.NewReader(bytes.NewReader(sealed)), s.keys.age...)
	if err != nil {
		return nil, fmt.Errorf("open the data key with age: %w", err)
	}
	return io.ReadAll(io.LimitReader(r, maxDataKey))
}

func (s service) pgp(sealed []byte) ([]byte, error) {
	block, err := pgparmor.Decode(bytes.NewReader(sealed))
	if err != nil {
		return nil, fmt.Errorf("read the armor of the data key: %w", err)
	}
	msg, err := openpgp.ReadMessage(block.Body, s.keys.pgp, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("open the data key with PGP: %w", err)
	}
	return io.ReadAll(io.LimitReader(msg.UnverifiedBody, maxDataKey))
}
