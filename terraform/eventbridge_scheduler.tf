# EventBridge Scheduler runs the relay every minute.

resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_scheduler_schedule" "relay" {
  # checkov:skip=CKV_AWS_297: the schedule has no input to encrypt
  name                = "${var.name}-relay"
  description         = "Runs the relay every minute"
  group_name          = aws_scheduler_schedule_group.this.name
  schedule_expression = "rate(1 minute)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.relay.alias_arn
    role_arn = aws_iam_role.schedule.arn

    # By default, Scheduler repeats a failed call 185 times in a day. Scheduler does not see
    # whether a run succeeds. The function's own settings limit how long throttled runs are
    # repeated.
    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = 60
    }
  }

  depends_on = [aws_iam_role_policy.schedule]
}

resource "aws_iam_role" "schedule" {
  name                 = "${var.name}-schedule${local.role.suffix}"
  permissions_boundary = local.role.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account
          "aws:SourceArn"     = aws_scheduler_schedule_group.this.arn
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "schedule" {
  name = "schedule"
  role = aws_iam_role.schedule.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "RunRelay"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = module.relay.alias_arn
    }]
  })
}
