# Shared by all services: names, zips and settings.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {
  lifecycle {
    postcondition {
      condition     = contains(["aws", "aws-us-gov"], self.partition)
      error_message = "Choose a Region of the partition aws or aws-us-gov: this one is in ${self.partition}. In China there are neither user pools of Cognito nor SMS of SNS, and the other partitions were never looked at."
    }
  }
}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

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
      hash   = try(var.package_digests[s], null) # a check in variables.tf reports a missing digest
      bucket = local.release.bucket
      key    = "${local.release.prefix}/${s}.zip"
    }
  }
}

locals {
  # IAM is not divided into Regions, so the names of roles end with the Region.
  role = {
    suffix               = "-${local.region}"
    account              = local.account
    permissions_boundary = var.permissions_boundary
  }

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
}

# AWS's quota comes from a variable, because reading it from AWS would need a permission
# that nothing else here needs.
check "concurrent_executions" {
  assert {
    condition     = local.concurrency + 4 <= var.concurrent_executions
    error_message = "${local.concurrency} senders may leave too few of the account's ${var.concurrent_executions} concurrent executions: the relay and receipts need one each, and the api one for each request at the same time. Without them requests fail, and messages are sent late. Ask for more under Service Quotas and set concurrent_executions to it, or lower concurrency of sender."
  }
}
