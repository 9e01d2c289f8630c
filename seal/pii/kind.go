package pii

// Kind says which kind of personal data a name or a value looks like, in words for people, such
// as "e-mail address".
type Kind string

// The kinds. A kind whose values have no format of their own, such as Gender, is found by the
// name of the claim alone.
const (
	Email       Kind = "e-mail address"        // RFC 5322 section 3.4.1, RFC 6531
	Phone       Kind = "phone number"          // ITU-T E.164, RFC 3966
	Name        Kind = "name"                  // of a person
	UserName    Kind = "user name"             // such as preferred_username
	BirthDate   Kind = "date of birth"         //
	Gender      Kind = "gender"                //
	Address     Kind = "postal address"        //
	IPAddress   Kind = "IP address"            // of a person's connection; RFC 791, RFC 4291
	Device      Kind = "device id"             // such as an IMEI or an advertising id
	Coordinates Kind = "coordinates"           // where a person is; RFC 5870
	Picture     Kind = "picture"               //
	WebPage     Kind = "web page"              // of a person
	Locale      Kind = "language or time zone" //
	Sensitive   Kind = "sensitive data"        // Regulation (EU) 2016/679 article 9
	NationalID  Kind = "national id"           // tax, insurance and passport numbers too
	Card        Kind = "payment card number"   // ISO/IEC 7812-1
	IBAN        Kind = "IBAN"                  // ISO 13616-1
	BankAccount Kind = "bank account"          //
	Secret      Kind = "secret"                // passwords and the like
	Token       Kind = "token"                 // or another credential that is sent
	PrivateKey  Kind = "private key"           // RFC 7468, RFC 7517
)
