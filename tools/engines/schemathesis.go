package engines

// Schemathesis returns schemathesis. It is not an engine, but is fetched like one. To run schemathesis, call
// the interpreter that [VenvPython] returns with "-m schemathesis.cli".
func Schemathesis() Engine {
	return venv("schemathesis", "4.32.5", "schemathesis")
}

// VenvPython returns the interpreter of a virtual environment that was downloaded to dir.
func VenvPython(dir string) string { return venvPython(dir) }
