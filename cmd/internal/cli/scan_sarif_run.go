package cli

import (
	"fmt"

	"github.com/sealjwt/sealjwt/cmd/internal/console"
)

// A code scanner closes the alerts that a new log does not repeat. So a log of a scan that did not
// read all says that it failed, and where (SARIF 2.1.0 sections 3.20.14, 3.20.21 and 3.58).
type (
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	}
	sarifNotification struct {
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
)

// maxNotifications bounds the memory of a scan that reaches a limit again and again.
const maxNotifications = 1000

// sarifRun collects what the scan did not read. sarifWriter writes it behind the results.
type sarifRun struct {
	notifications []sarifNotification
	more          int64 // notifications that were only counted
}

// missed notes that something was not read. The text holds no value and no token.
func (r *sarifRun) missed(text string, where ...sarifLocation) {
	if len(r.notifications) == maxNotifications {
		r.more++
		return
	}
	r.notifications = append(r.notifications, sarifNotification{"error", sarifText{console.Printable(text)}, where})
}

func (r *sarifRun) invocation() sarifInvocation {
	list := r.notifications
	if r.more > 0 {
		text := fmt.Sprintf("and %s that could not be read to the end", console.Count(r.more, "more place"))
		list = append(list, sarifNotification{Level: "error", Message: sarifText{text}})
	}
	return sarifInvocation{len(list) == 0, list}
}
