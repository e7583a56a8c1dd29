# One function with its role, policy, log group and code, and with the alias by which all
# triggers call it. A release publishes a new version and moves the alias to this version.

locals {
  keeps_failed = var.asynchronous != null && try(var.asynchronous.dead_letter_arn, null) != null

  statements = concat(
    [
      {
        Sid      = "WriteLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.this.arn}:*"
      },
    ],
    var.statements,
    var.tracing ? [{
      Sid      = "Trace"
      Effect   = "Allow"
      Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
      Resource = "*" # X-Ray has no resource ARNs
    }] : [],
    local.keeps_failed ? [{
      Sid      = "KeepFailedEvents"
      Effect   = "Allow"
      Action   = ["sqs:SendMessage"]
      Resource = var.asynchronous.dead_letter_arn
    }] : [],
  )
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}${var.role.suffix}"
  permissions_boundary = var.role.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # There is no condition on aws:SourceArn. Lambda uses this role to poll a queue too,
      # and AWS does not document the ARN that it sends in this case.
      Condition = { StringEquals = { "aws:SourceAccount" = var.role.account } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name   = "function"
  role   = aws_iam_role.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_50: X-Ray is a choice, because it can cost more than the functions
  # checkov:skip=CKV_AWS_115: only the api can need a reservation; the event source mapping limits the sender, whose throttled polls would count as receives
  # checkov:skip=CKV_AWS_116: aws_lambda_function_event_invoke_config sets the queue for failed asynchronous calls
  # checkov:skip=CKV_AWS_117: it only calls AWS services, by IAM; a VPC would add cost but no protection
  # checkov:skip=CKV_AWS_173: no variable is a secret
  # checkov:skip=CKV_AWS_272: the zip is pinned by its hash; code signing is the account's choice
  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = [var.architecture]
  memory_size   = var.memory_mb
  timeout       = var.timeout_seconds
  publish       = true

  reserved_concurrent_executions = var.reserved_concurrency == null ? -1 : var.reserved_concurrency # -1 reserves nothing

  filename         = var.package.file
  source_code_hash = var.package.hash
  s3_bucket        = var.package.bucket
  s3_key           = var.package.key

  environment {
    variables = var.environment
  }

  logging_config {
    log_format            = "JSON"
    application_log_level = var.logs.level
    system_log_level      = "WARN"
    log_group             = aws_cloudwatch_log_group.this.name
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  depends_on = [aws_iam_role_policy.this]
}

# Reads the digest of the code that Lambda has. The resource aws_lambda_function cannot tell
# it, because it shows the digest of the previous code until an update is over.
data "aws_lambda_function" "published" {
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_function.this.version

  lifecycle {
    postcondition {
      condition     = self.code_sha256 == var.package.hash
      error_message = "The code of ${var.name} has the digest ${self.code_sha256}, want ${var.package.hash}. No trigger calls this version. If packages is a bucket, find out who changed the release, or correct package_digests."
    }
  }
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "The version that triggers call."
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version

  depends_on = [data.aws_lambda_function.published]
}

resource "aws_lambda_function_event_invoke_config" "this" {
  count = var.asynchronous == null ? 0 : 1

  function_name                = aws_lambda_function.this.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_retry_attempts       = var.asynchronous.retries
  maximum_event_age_in_seconds = var.asynchronous.maximum_age_seconds

  dynamic "destination_config" {
    for_each = local.keeps_failed ? [var.asynchronous.dead_letter_arn] : []
    content {
      on_failure {
        destination = destination_config.value
      }
    }
  }

  # When the destination is set, Lambda checks that the role has access to it.
  depends_on = [aws_iam_role_policy.this]
}
