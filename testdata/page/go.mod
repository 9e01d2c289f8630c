// A module of its own: it drives a browser, and no user of sealjwt downloads what that takes.
module github.com/sealjwt/sealjwt/testdata/page

go 1.26.0

require (
	github.com/chromedp/cdproto v0.160.1
	github.com/chromedp/chromedp v0.23.1
)

require github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
