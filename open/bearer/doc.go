// Package bearer is net/http middleware by RFC 6750. It lets a request through to an
// http.Handler only if the request carries a token that opens.
//
//	auth, err := bearer.New(bearer.Config{Opener: opener})
//	mux.Handle("GET /me", auth.Require(me))
//	mux.Handle("POST /orders", auth.Require(bearer.RequireScope("orders:write")(order)))
//
// auth.Require is a func(http.Handler) http.Handler, the usual form of middleware. The handler
// finds the token with [TokenFrom].
//
// # Where the token may stand
//
// The token stands in one header field Authorization: Bearer, as RFC 6750 section 2.1
// spells it, and nowhere else: not in the body and not in the query, which gets into
// logs. With Config.Cookie it may also stand in one cookie of that name, instead of the
// field and never beside it. A client that sends two tokens, or one that is spelled in
// another way, gets 400: two readers might each take another token.
//
// Handlers do not see the token. They get a copy of the request without the field and without the
// cookie, so that no handler logs it, sends it on by a reverse proxy, or reads claims of a token
// that it did not verify. Config.KeepCredentials is for handlers that must send it on. A handler
// around Require sees the request as it came: an access log there must not write the header. Of two
// Require around one handler the inner one finds no token and refuses everything, unless the outer
// one has KeepCredentials. The temporary files of a multipart form that is parsed in the copy are
// removed when the handler returns.
//
// # Answers
//
//	status                    error in WWW-Authenticate
//	400 Bad Request           invalid_request       two tokens, or not spelled as in RFC 6750
//	401 Unauthorized          (none)                no token, or another scheme
//	401 Unauthorized          invalid_token         a token that is refused
//	403 Forbidden             insufficient_scope    a claim scope (or scp) without what RequireScope names
//	403 Forbidden             (no WWW-Authenticate) a cookie from a page of another origin
//	500 Internal Server Error (no WWW-Authenticate) RequireScope outside of Require; a nil handler
//	503 Service Unavailable   (no WWW-Authenticate) whether the token is good cannot be told
//
// The body is the name of the status, and does not tell why: only Config.OnRefusal gets the reason.
// 503 is for keys that cannot be had, and for a Check of the opener that cannot tell: its error
// wraps [ErrUnavailable], [context.Canceled] or [context.DeadlineExceeded]. A client that gets 503
// should keep its token and try again. Every refusal is Cache-Control: no-store. A handler's answer
// begins with Cache-Control: private, since a shared cache may otherwise give the answer for one
// user's cookie to other users; a handler that sets Cache-Control replaces it. Refusals and
// handlers' answers have Vary: Authorization, and Cookie with Config.Cookie: a browser that has
// kept an answer must not show it to the next user. A handler whose answer depends on further
// header fields must add to Vary and not set it.
//
// A CORS preflight carries no token: answer it outside of Require.
//
// # Cookies
//
// A browser sends a cookie with every request, also with requests from the pages of an attacker
// (CSRF). A cookie is therefore refused where [http.CrossOriginProtection] refuses the request. It
// is also refused with any Upgrade from another origin, since a WebSocket begins with a GET.
// Requests with GET, HEAD and OPTIONS and without Upgrade pass from any origin, so your handlers
// must not change anything for them. Give the cookie a name that begins with __Host-, and set it
// HttpOnly, Secure and SameSite=Lax or Strict: the prefix keeps other hosts of your domain from
// planting a cookie of their own. Browsers keep cookies of up to 4096 bytes only.
//
// # Access tokens of OAuth
//
// The Type at+jwt of an issuer demands the typ of a JWT access token (RFC 9068), but not
// its claims. The Opener demands iss, exp and aud of every token. Name the other claims
// that section 2.2 requires:
//
//	open.Config{
//		Trust:   []open.Issuer{{ID: "https://id.example.com", Keys: idp, Type: "at+jwt"}},
//		Require: []string{"sub", "client_id", "iat", "jti"},
//	}
//
// That is for the nested form, where all of them are sealed unless the issuer replicates sub in the
// JWE's header. In the selective form sub, iat and jti stand in clear, which is not enough for
// Require: look for them in Check, with [open.Token.Claim].
//
// # Bound tokens
//
// A token with a claim cnf (RFC 7800) is good only together with the proof that its sender has a
// key. Require takes one proof: the certificate of the client's own TLS connection. Its SHA-256
// must be the member x5t#S256 of cnf, and cnf must have no other member (RFC 8705 section 3). The
// server asks the client for a certificate with ClientAuth in its [crypto/tls.Config]. A
// certificate that a proxy names in a header proves nothing, and is not read. A token that is bound
// in another way, as by DPoP (RFC 9449), is refused, since a thief could use it. See
// Config.AllowBound.
//
// # gRPC
//
// A gRPC server opens tokens without this package. The auth function of the interceptor in
// go-grpc-middleware is then
//
//	func auth(ctx context.Context) (context.Context, error) {
//		fields := metadata.ValueFromIncomingContext(ctx, "authorization")
//		if len(fields) != 1 { // two tokens: two readers might take another one each
//			return nil, status.Error(codes.Unauthenticated, "no token, or several")
//		}
//		scheme, token, _ := strings.Cut(fields[0], " ")
//		if !strings.EqualFold(scheme, "Bearer") {
//			return nil, status.Error(codes.Unauthenticated, "not a bearer token")
//		}
//		tok, err := opener.Open(ctx, token)
//		switch {
//		case errors.Is(err, open.ErrKeySource), errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
//			return nil, status.Error(codes.Unavailable, "try again") // not the token's fault
//		case err != nil:
//			slog.Warn("token refused", "err", err) // the client is told no reason
//			return nil, status.Error(codes.Unauthenticated, "token refused")
//		}
//		if _, bound := tok.Claim("cnf"); bound { // see Bound tokens
//			return nil, status.Error(codes.Unauthenticated, "token is bound to a key")
//		}
//		return context.WithValue(ctx, tokenKey{}, tok), nil
//	}
package bearer
