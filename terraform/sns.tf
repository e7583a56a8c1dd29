# Everything specific to SNS: permissions of the sender, and the names of the delivery
# logs. The account's settings for SMS are in modules/account_wide.

locals {
  sns_log = "sns/${local.region}/${local.account}/DirectPublishToPhoneNumber"

  # What the other files need to know about a provider. lambda_sender.tf chooses the
  # provider.
  sns = {
    receipts = var.sms_preferences.delivery_logs # whether to read them if var.receipts is null
    receipt_logs = {
      success = local.sns_log
      failure = "${local.sns_log}/Failure"
    }
    environment = {} # environment variables of the sender and of receipts
    statements = [   # permissions of the sender
      # IAM treats the phone number as the resource, so allow all and deny topics.
      {
        Sid      = "PublishToPhones"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = "*"
      },
      {
        Sid      = "NotToTopics"
        Effect   = "Deny"
        Action   = ["sns:Publish"]
        Resource = "arn:${local.partition}:sns:*:*:*"
      },
      # SNS sends SMS on behalf of its caller. AWS's managed policy for SNS has had
      # this statement since 2024.
      {
        Sid       = "PublishThroughSNS"
        Effect    = "Allow"
        Action    = ["sms-voice:SendTextMessage"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:CalledViaLast" = "sns.amazonaws.com" } }
      },
    ]
  }
}
