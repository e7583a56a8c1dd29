package environ

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
)

// AWS returns the configuration of the AWS clients. Read all variables before you call this function: if
// variables are missing or bad, it returns an error that names them.
func (r *Reader) AWS(ctx context.Context) (aws.Config, error) {
	if err := r.Err(); err != nil {
		return aws.Config{}, err
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return aws.Config{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	return cfg, nil
}

// connectTime is the longest time that an unreachable service may delay the init.
const connectTime = time.Second

// Connect opens connections during the init, so that the first invocation need not wait for
// them. It calls all of the given functions in parallel. Each of them opens one connection.
// If a function fails, Connect only logs the error, because the first invocation then opens the connection.
func Connect(ctx context.Context, logger *slog.Logger, opens ...func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	var group sync.WaitGroup
	for _, open := range opens {
		group.Go(func() {
			if err := open(ctx); err != nil {
				logger.InfoContext(ctx, "connection not opened at init", "error", err)
			}
		})
	}
	group.Wait()
}

// Start calls the function `start`, and then serves the events of a Lambda function with
// the returned handler. If there is an error instead of a handler, Start prints the given
// name and the error, and ends the program.
func Start[Handler any](name string, start func(ctx context.Context, getenv func(string) string) (Handler, error)) {
	handler, err := start(context.Background(), os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
	lambda.Start(handler)
}
