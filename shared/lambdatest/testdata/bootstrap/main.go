// Command bootstrap is the function that lambdatest's own tests deploy. Each event says
// what it must do.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type order struct {
	Do   string
	File string // the operation "wait" writes this file when it begins
}

type report struct {
	PID      int
	Name     string
	Request  string
	Deadline time.Time
	Env      []string
}

func main() {
	if os.Getenv("FAIL_AT_INIT") != "" {
		fmt.Fprintln(os.Stderr, "TABLE_NAME is missing")
		os.Exit(3)
	}
	lambda.Start(func(ctx context.Context, o order) (any, error) {
		fmt.Println("doing", o.Do)
		switch o.Do {
		case "fail":
			return nil, errors.New("no luck")
		case "panic":
			panic("at the disco")
		case "exit":
			os.Exit(4)
		case "wait":
			if err := os.WriteFile(o.File, nil, 0o600); err != nil {
				return nil, err
			}
			select {}
		case "null":
			return nil, nil
		}
		deadline, _ := ctx.Deadline()
		lc, _ := lambdacontext.FromContext(ctx)
		var names []string
		for _, v := range os.Environ() {
			name, _, _ := strings.Cut(v, "=")
			names = append(names, name)
		}
		sort.Strings(names)
		return report{PID: os.Getpid(), Name: lambdacontext.FunctionName, Request: lc.AwsRequestID, Deadline: deadline, Env: names}, nil
	})
}
