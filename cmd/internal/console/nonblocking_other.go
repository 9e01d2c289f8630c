//go:build !unix

package console

// nonBlocking is empty: this system has no named pipes among its files.
const nonBlocking = 0
