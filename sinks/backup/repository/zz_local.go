package repository

import "errors"

var errSealed = errors.New("sealed")
