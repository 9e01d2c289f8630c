//go:build !unix

package page

import "errors"

func mkfifo(string) error { return errors.ErrUnsupported }
