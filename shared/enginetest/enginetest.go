// Package enginetest tells a test the address of the engine that it needs, and records
// the engine in an attribute of the test. The engines are DynamoDB Local, ElasticMQ and
// moto. `make test` starts each engine once, and puts the addresses into the environment
// of all tests. Only tests import this package.
//
// All tests of a run share the engines. So each test makes tables and queues with new
// names, and uses its own phone numbers.
package enginetest

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Attr is the key of the test attribute ([testing.T.Attr]) that names a test's engine.
// Sub-tests inherit the engines of their parents. A test that uses several engines has
// the attribute several times.
const Attr = "engine"

// These environment variables hold the engines' URLs. If an engine does not run, its variable holds [Off],
// followed by the reason.
const (
	EnvDynamoDB = "SMSQUEUE_TEST_DYNAMODB"
	EnvSQS      = "SMSQUEUE_TEST_SQS"
	EnvMoto     = "SMSQUEUE_TEST_MOTO"

	// Off is the prefix of the reason why an engine does not run.
	Off = "off: "
)

// These are the values of the attribute [Attr].
const (
	DynamoDBLocal = "dynamodb-local"
	ElasticMQ     = "elasticmq"
	Moto          = "moto"
	SQLiteEngine  = "sqlite"
)

// DynamoDB returns the URL of DynamoDB Local. If the engine does not run, the function skips the test and
// gives the reason. In CI (CI=true), the function fails the test if the variable [EnvDynamoDB] is not set.
func DynamoDB(t testing.TB) string {
	t.Helper()
	return engine(t, DynamoDBLocal, EnvDynamoDB)
}

// SQS returns the URL of ElasticMQ. If the engine does not run, the function skips or fails the test, like
// the function [DynamoDB].
func SQS(t testing.TB) string {
	t.Helper()
	return engine(t, ElasticMQ, EnvSQS)
}

// SNS returns the URL of moto. If the engine does not run, the function skips or fails the test, like the
// function [DynamoDB].
func SNS(t testing.TB) string {
	t.Helper()
	return engine(t, Moto, EnvMoto)
}

// SQLite records that the test runs on SQLite, which is always available.
func SQLite(t testing.TB) {
	t.Helper()
	t.Attr(Attr, SQLiteEngine)
}

// Config returns a configuration for SDK clients of the engine with the given URL.
// Clients with this configuration cannot reach AWS: the credentials are invented, and the
// URL is the endpoint of every service.
func Config(t testing.TB, url string) aws.Config {
	t.Helper()
	if url == "" {
		t.Fatal("enginetest.Config needs the URL of an engine")
	}
	return aws.Config{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

// Tool returns the path of the program with the given name. If the program is missing,
// Tool calls [Lack]. The parameter `hint` tells the user how to get the program.
func Tool(t testing.TB, name, hint string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Lack(t, name+" is not installed: "+hint)
	}
	return path
}

// Lack skips a test for the given reason. In CI, it fails the test instead.
func Lack(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

func engine(t testing.TB, name, env string) string {
	t.Helper()
	t.Attr(Attr, name)
	url := os.Getenv(env)
	if reason, off := strings.CutPrefix(url, Off); off {
		t.Skip(reason)
	}
	if url == "" {
		Lack(t, name+" is not running: run `make test`, which starts it")
	}
	return url
}
