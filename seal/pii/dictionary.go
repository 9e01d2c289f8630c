package pii

// The names of claims that tell personal data, in lower case and without signs between the
// words. They stand in switches and not in maps, because a map would be built at the start of
// every program that imports the package.
//
// Of the standard claims of OpenID Connect Core 1.0 section 5.1, the lists leave out sub,
// email_verified, phone_number_verified and updated_at. A sub should be an opaque id, so its
// value decides. The other three are only a boolean or a time about claims that are found
// themselves.

// clearName returns the kind of a name that means personal data at every depth of an object, or
// "" for any other name.
func clearName(word []byte) Kind {
	switch string(word) {
	case "email", "emailaddress", "mail", "mailaddress", "emailaddr", "useremail", "workemail", "이메일", "메일", "correo", "courriel":
		return Email
	case "phone", "phonenumber", "phoneno", "telephone", "telephonenumber", "tel", "telno", "mobilephone", "mobilenumber",
		"mobileno", "mobilephonenumber", "cellphone", "cellphonenumber", "cellnumber", "msisdn", "faxnumber", "homephone",
		"workphone", "telefon", "telefono", "telefonnummer", "전화번호", "휴대폰", "휴대폰번호", "휴대전화":
		return Phone
	case "givenname", "familyname", "middlename", "firstname", "lastname", "surname", "forename",
		"realname", "maidenname", "birthname", "nickname", "cardholder",
		"cardholdername", "accountholder", "accountholdername", "vorname", "nachname", "prenom", "nomdefamille", "apellido", "cognome",
		"성명", "이름", "氏名", "姓名":
		return Name
	case "preferredusername", "username", "userprincipalname", "upn", "uniquename", "loginname", "loginhint", "windowsaccountname", "samaccountname", "screenname":
		return UserName
	case "birthdate", "birthday", "dateofbirth", "dob", "birthyear", "yearofbirth", "geburtsdatum", "생년월일", "生年月日":
		return BirthDate
	case "gender":
		return Gender
	case "streetaddress", "street", "addressline", "addressline1", "addressline2", "homeaddress", "postaladdress", "mailingaddress",
		"billingaddress", "shippingaddress", "postalcode", "postcode", "zipcode", "residentialaddress", "housenumber", "addresslocality", "주소", "우편번호", "住所":
		return Address
	case "profilepicture", "profilephoto", "selfie":
		return Picture
	}
	if kind := deviceName(word); kind != "" {
		return kind
	}
	if kind := numberName(word); kind != "" {
		return kind
	}
	return secretName(word)
}

// deviceName returns the kind of a name that tells where a person is or which device the person
// uses. A bare "ip" could be the address of a server, so the names of IP addresses in this list
// also say that the address is a client's or a user's.
func deviceName(word []byte) Kind {
	switch string(word) {
	case "clientip", "clientipaddress", "clientipaddr", "clientaddr", "remoteip", "remoteipaddress", "remoteaddr", "remoteaddress",
		"sourceip", "sourceipaddress", "srcip", "userip", "useripaddress", "loginip", "loginipaddress", "signinip", "signupip",
		"peerip", "callerip", "customerip", "visitorip", "endip", "realip", "xforwardedfor", "forwardedfor":
		return IPAddress
	case "deviceid", "deviceidentifier", "deviceuuid", "deviceserial", "deviceserialnumber", "devicetoken", "devicefingerprint",
		"imei", "imeinumber", "meid", "imsi", "iccid",
		"udid", "idfa", "idfv", "gaid", "adid", "advertisingid", "advertiserid", "androidid", "hardwareid", "hwid", "macaddress", "macaddr":
		return Device
	case "latitude", "longitude", "latlng", "latlong", "latlon", "geolocation", "geopoint", "geohash", "geocoordinates", "gps", "gpslocation",
		"gpscoordinates", "gpsposition", "lastlocation", "currentlocation", "lastknownlocation", "homelocation":
		return Coordinates
	}
	return ""
}

// numberName returns the kind of a name that means an official, bank or card number, or
// sensitive facts about a person such as the religion or a diagnosis.
func numberName(word []byte) Kind {
	switch string(word) {
	case "ssn", "socialsecuritynumber", "socialsecurity", "nationalid", "nationalidnumber", "nationalidentitynumber", "nationalidentifier",
		"nationalinsurancenumber", "nhsnumber", "nhsno", "nino", "nin", "residentregistrationnumber", "rrn", "jumin", "juminnumber", "personalid", "personalidnumber",
		"personnummer", "fodselsnummer", "hetu", "henkilotunnus", "cpr", "cprnumber", "bsn", "burgerservicenummer", "pesel", "cnp", "cpf",
		"curp", "dni", "nie", "nif", "codicefiscale", "fiscalcode", "aadhaar", "aadhaarnumber", "mynumber", "nric", "personalnumber", "identitynumber",
		"identitycardnumber", "idcardnumber", "idnumber", "govid", "governmentid", "governmentidnumber",
		"passport", "passportnumber", "passportno", "driverlicense", "driverslicense", "driverlicensenumber", "driverslicensenumber", "drivinglicence",
		"licenseplate", "taxid", "taxnumber", "taxidnumber", "taxpayerid", "taxidentificationnumber", "steuerid", "itin", "tin", "주민등록번호", "주민번호", "여권번호":
		return NationalID
	case "iban":
		return IBAN
	case "cardnumber", "cardno", "creditcard", "creditcardnumber", "debitcard", "debitcardnumber", "paymentcard", "paymentcardnumber",
		"ccnumber", "cvv", "cvc", "카드번호":
		return Card
	case "accountnumber", "bankaccount", "bankaccountnumber", "accountno", "routingnumber", "sortcode", "kontonummer", "계좌번호":
		return BankAccount
	case "nationality", "citizenship", "placeofbirth", "birthplace", "cityofbirth", "countryofbirth", "religion", "ethnicity", "maritalstatus",
		"bloodtype", "diagnosis", "diagnose", "disability", "sexualorientation", "politicalopinion", "healthinsurancenumber",
		"insurancenumber", "patientnumber", "medicalrecordnumber", "mrn", "salary":
		return Sensitive
	}
	return ""
}

// secretName returns the kind of a name that stands for a credential, such as a password.
func secretName(word []byte) Kind {
	switch string(word) {
	case "password", "passwd", "pwd", "passphrase", "passcode", "passwordhash", "secret", "clientsecret", "apisecret", "sharedsecret",
		"totpsecret", "recoverycode", "securityanswer", "비밀번호":
		return Secret
	case "apikey", "apitoken", "accesstoken", "refreshtoken", "idtoken", "sessiontoken", "authtoken", "bearertoken",
		"accesskey", "secretkey", "secretaccesskey", "sessioncookie":
		return Token
	case "privatekey":
		return PrivateKey
	}
	return ""
}

// ambiguousName returns the kind of a name that counts as personal only in an object about a
// person, because the data of things and organisations have such names too.
func ambiguousName(word []byte) Kind {
	switch string(word) {
	case "name", "displayname", "fullname", "legalname", "alias", "cn", "commonname", "sn", "gn":
		return Name
	case "login", "handle":
		return UserName
	case "mobile", "cell", "fax":
		return Phone
	case "profile", "profileurl", "website", "homepage":
		return WebPage
	case "avatar", "avatarurl", "picture", "photo", "portrait", "pictureurl", "photourl":
		return Picture
	case "address", "addr", "city", "locality", "town", "residence", "zip":
		return Address
	case "locale", "zoneinfo", "timezone", "language", "preferredlanguage":
		return Locale
	case "sex":
		return Gender
	case "ip", "ipaddr", "ipaddress", "ipv4", "ipv6", "ipv4address", "ipv6address":
		return IPAddress
	case "lat", "lon", "lng", "coordinates", "coords", "geo", "geoloc":
		return Coordinates
	case "born", "age":
		return BirthDate
	case "title", "honorific", "salutation":
		return Name
	case "pan":
		return Card
	case "pin", "otp":
		return Secret
	case "token", "cookie":
		return Token
	}
	return ""
}

// isPersonWord reports whether an object of this name is about a person.
func isPersonWord(word []byte) bool {
	switch string(word) {
	case "user", "customer", "person", "people", "patient", "employee", "contact", "member", "profile", "holder",
		"owner", "subscriber", "passenger", "student", "teacher",
		"mother", "father", "spouse", "guardian", "doctor", "physician", "applicant", "citizen",
		"beneficiary", "payer", "payee", "buyer", "recipient", "author", "manager", "colleague", "friend", "userinfo",
		"individual", "enduser", "datasubject", "player", "learner", "staff", "human", "me",
		"personal", "traits", "credentialsubject", "claimant", "visitor", "attendee", "guest", "tenantuser":
		return true
	}
	return false
}

// isContainerWord reports whether a word at the end of an object's name says only that the value
// is a collection of data, as the last words of user_metadata, customer_details and
// personal_info do.
func isContainerWord(word []byte) bool {
	switch string(word) {
	case "metadata", "meta", "data", "info", "information", "details", "detail", "attributes", "attribute", "attrs", "properties", "props",
		"claims", "record", "fields", "object", "context", "traits", "document", "entity", "dto", "json":
		return true
	}
	return false
}
