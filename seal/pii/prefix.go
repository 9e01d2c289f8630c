package pii

// secret describes a kind of credential that its issuer marks with a prefix, so that scanners
// find it where it should not be.
type secret struct {
	prefix   string
	min, max int    // characters after the prefix; any number from min on if max is 0
	also     string // characters besides letters and digits
}

// matches reports whether the text after the prefix is the rest of such a credential. A longer
// word does not match, because names of variables may begin with the prefix too.
func (s secret) matches(text string) bool {
	n, stop := 0, max(s.min, s.max+1)
	for n < len(text) && n < stop && (isAlnum(text[n]) || isOneOf(text[n], s.also)) {
		n++
	}
	if s.max == 0 {
		return n == s.min
	}
	return s.min <= n && n <= s.max && (n == len(text) || text[n] != '_')
}

// The prefixes as GitHub, GitLab, Slack, Stripe, Amazon, Google and so on document
// them for secret scanners, by their first letter: most words match none.
var (
	secretsA = []secret{{"AKIA", 16, 16, ""}, {"ASIA", 16, 16, ""}, {"AIza", 35, 35, "-_"}}
	secretsD = []secret{{"dop_v1_", 64, 64, ""}, {"doo_v1_", 64, 64, ""}, {"dckr_pat_", 27, 27, "-_"}}
	secretsG = []secret{
		{"ghp_", 36, 36, ""}, {"gho_", 36, 36, ""}, {"ghu_", 36, 36, ""}, {"ghs_", 36, 36, ""}, {"ghr_", 36, 76, ""},
		{"github_pat_", 40, 90, "_"}, {"glpat-", 20, 0, "-_."}, {"GOCSPX-", 28, 28, "-_"},
	}
	secretsH = []secret{{"hf_", 34, 34, ""}, {"hvs.", 24, 0, "-_"}, {"hvb.", 24, 0, "-_"}}
	secretsN = []secret{{"npm_", 36, 36, ""}}
	secretsP = []secret{{"pypi-AgE", 50, 0, "-_"}}
	secretsR = []secret{{"rk_live_", 16, 0, ""}, {"rk_test_", 16, 0, ""}, {"rubygems_", 48, 48, ""}}
	secretsS = []secret{
		{"sk_live_", 16, 0, ""}, {"sk_test_", 16, 0, ""}, {"SG.", 60, 80, "-_."},
		{"sk-ant-", 32, 0, "-_"}, {"sk-proj-", 32, 0, "-_"},
		{"shpat_", 32, 32, ""}, {"shpss_", 32, 32, ""}, {"shpca_", 32, 32, ""},
	}
	secretsW = []secret{{"whsec_", 24, 0, "+/="}}
	secretsX = []secret{
		{"xoxb-", 20, 0, "-"}, {"xoxp-", 20, 0, "-"}, {"xoxa-", 20, 0, "-"},
		{"xoxr-", 20, 0, "-"}, {"xoxs-", 20, 0, "-"}, {"xapp-", 20, 0, "-"},
	}
	secretsY = []secret{{"ya29.", 20, 0, "-_"}}
)

func secretsOf(first byte) []secret {
	switch first {
	case 'A':
		return secretsA
	case 'd':
		return secretsD
	case 'g', 'G':
		return secretsG
	case 'h':
		return secretsH
	case 'n':
		return secretsN
	case 'p':
		return secretsP
	case 'r':
		return secretsR
	case 's', 'S':
		return secretsS
	case 'w':
		return secretsW
	case 'x':
		return secretsX
	case 'y':
		return secretsY
	}
	return nil
}
