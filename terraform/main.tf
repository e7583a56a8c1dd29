# Shared by all services: names, zips and the encryption key.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id
  kms_key   = coalesce(var.kms_key_arn, one(aws_kms_key.this[*].arn))

  services = toset(concat(["api", "sender", "relay"], local.receipts ? ["receipts"] : []))

  source  = var.packages == null ? "${path.module}/../dist" : var.packages
  release = startswith(local.source, "s3://") ? regex("^s3://(?P<bucket>[^/]+)/(?P<prefix>.+)$", local.source) : null
  packages = {
    for s in local.services : s => local.release == null ? {
      file   = "${local.source}/${s}.zip"
      hash   = try(filebase64sha256("${local.source}/${s}.zip"), null) # a check in variables.tf reports a missing zip
      bucket = null
      key    = null
      } : {
      file   = null
      hash   = null
      bucket = local.release.bucket
      key    = "${local.release.prefix}/${s}.zip"
    }
  }
}

locals {
  logs = {
    level          = var.logs.level
    retention_days = var.logs.retention_days
    kms_key_arn    = local.kms_key
  }

  # Settings that every service must agree on.
  rules = {
    VALIDITY_HOURS         = var.messages.validity_hours
    RETENTION_DAYS         = var.messages.retention_days
    MAX_ATTEMPTS           = var.messages.max_attempts
    SENDER_TIMEOUT_SECONDS = var.sender.timeout_seconds
    SEVERAL_OWNERS         = length(toset([for name, c in var.clients : coalesce(c.owner, name)])) > 1
  }

  # Allows use of the key only through DynamoDB and SQS.
  use_key = {
    Sid      = "UseKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    Resource = local.kms_key
    Condition = {
      StringEquals = { "kms:ViaService" = [for s in ["dynamodb", "sqs"] : "${s}.${local.region}.amazonaws.com"] }
    }
  }
}

resource "aws_kms_key" "this" {
  count = var.kms_key_arn == null ? 1 : 0

  description             = "${var.name}: table, queues and logs"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "LeaveItToIAM"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*" # in a key policy, * means this key
      },
      {
        Sid       = "EncryptLogs"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*" # in a key policy, * means this key
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = [
              for group in concat(["/aws/lambda/${var.name}-*", "/aws/apigateway/${var.name}"], values(local.provider.receipt_logs)) :
              "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${group}"
            ]
          }
        }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  count = var.kms_key_arn == null ? 1 : 0

  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this[0].key_id
}
