//go:build !unix

package cli

// forbidCoreFiles does nothing: this system writes no core files.
func forbidCoreFiles() {}
