# SNS's settings for SMS. When one of these resources is created, only the settings that it
# names are written, because Terraform's provider does not send unset arguments.

resource "aws_sns_sms_preferences" "spend_limit" {
  count = var.monthly_spend_limit_usd == null ? 0 : 1

  monthly_spend_limit = var.monthly_spend_limit_usd

  lifecycle {
    prevent_destroy = true # destroying it would empty all of SNS's settings, also those of others
    ignore_changes = [
      default_sender_id, default_sms_type, delivery_status_iam_role_arn, delivery_status_success_sampling_rate, usage_report_s3_bucket,
    ]
  }
}

# An update of a resource also sends the settings that the resource ignores, with their
# values from before the apply. So the resources are written one after another. The resource
# sender_id also names the limit, because the same apply may have changed the limit.

resource "aws_sns_sms_preferences" "sender_id" {
  count = var.default_sender_id == null ? 0 : 1

  default_sender_id   = var.default_sender_id
  monthly_spend_limit = var.monthly_spend_limit_usd

  lifecycle {
    prevent_destroy = true # see above
    ignore_changes = [
      default_sms_type, delivery_status_iam_role_arn, delivery_status_success_sampling_rate, usage_report_s3_bucket,
    ]
  }

  depends_on = [aws_sns_sms_preferences.spend_limit]
}

resource "aws_sns_sms_preferences" "delivery_logs" {
  count = var.delivery_logs ? 1 : 0

  delivery_status_iam_role_arn          = aws_iam_role.sns[0].arn
  delivery_status_success_sampling_rate = "100"

  lifecycle {
    prevent_destroy = true # see above
    ignore_changes  = [default_sender_id, default_sms_type, usage_report_s3_bucket]
  }

  depends_on = [aws_iam_role_policy.sns, aws_sns_sms_preferences.sender_id]
}

# If these groups do not exist, SNS creates them on first use. Their entries contain whole
# phone numbers, and would then never expire. The groups outlive the deployment, so the
# deployment's key does not encrypt them: nobody could read them after the key is deleted.
resource "aws_cloudwatch_log_group" "sns" {
  # checkov:skip=CKV_AWS_158: they are encrypted with AWS's key unless the caller has one that outlives the deployment
  for_each = var.delivery_logs ? var.log_groups : {}

  name              = each.value
  retention_in_days = var.retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "sns" {
  count = var.delivery_logs ? 1 : 0

  name_prefix          = "${var.name}-sns-" # a role that an earlier deployment left keeps its name
  description          = "SNS writes the delivery logs of the account with it"
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # AWS does not say whether SNS names the account.
      Condition = { StringEqualsIfExists = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "sns" {
  count = var.delivery_logs ? 1 : 0

  name = "log"
  role = aws_iam_role.sns[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteDeliveryLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:PutMetricFilter", "logs:PutRetentionPolicy"]
      Resource = [for group in values(var.log_groups) : "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${group}*"]
    }]
  })
}
