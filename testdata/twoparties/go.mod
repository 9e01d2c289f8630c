// A module of its own: it has a driver for SQLite, which no user of sealjwt downloads.
module github.com/sealjwt/sealjwt/testdata/twoparties

go 1.26.0

require (
	github.com/chromedp/chromedp v0.23.1
	github.com/sealjwt/sealjwt v0.0.0
)

require (
	github.com/chromedp/cdproto v0.160.1 // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	golang.org/x/sys v0.49.0 // indirect
	modernc.org/libc v1.80.1 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)

require (
	github.com/go-jose/go-jose/v4 v4.1.9 // indirect
	modernc.org/sqlite v1.62.0
)

replace github.com/sealjwt/sealjwt => ../..
