package engines

import "github.com/smsqueue/smsqueue/tools/prereq"

// Schemathesis returns schemathesis. It is not an engine, but is fetched like one. To run schemathesis, call
// the interpreter that [VenvPython] returns with "-m schemathesis.cli".
func Schemathesis() Engine {
	return Engine{
		Name:    "schemathesis",
		Version: "4.32.5",
		Needs:   []prereq.Tool{prereq.Python},
		pin:     "schemathesis/requirements.txt",
		madeBy:  []prereq.Tool{prereq.Python},
		install: installVenv,
	}
}

// VenvPython returns the interpreter of a virtual environment that was downloaded to dir.
func VenvPython(dir string) string { return venvPython(dir) }
