package metrics

import "testing"

// Text writes the Prometheus format. A value with a quote or a line feed stays one value.
func TestText(t *testing.T) {
	got := string(Text(
		One("a_ratio", Gauge, "A part\nof a \\ whole.", 0.25),
		Family{"none", Gauge, "Nothing.", nil},
		Family{"b_total", Counter, "Both.", []Sample{
			{1796040000, []string{"path", "/a\"b\\c\nd 9", "code", "200"}}, {0, []string{"path", "", "code", "404"}},
		}},
	))
	want := `# HELP a_ratio A part\nof a \\ whole.
# TYPE a_ratio gauge
a_ratio 0.25
# HELP b_total Both.
# TYPE b_total counter
b_total{path="/a\"b\\c\nd 9",code="200"} 1796040000
b_total{path="",code="404"} 0
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestBool(t *testing.T) {
	if Bool(true) != 1 || Bool(false) != 0 {
		t.Error("wrong")
	}
}
