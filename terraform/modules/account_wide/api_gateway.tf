# The role with which all APIs of the account write their logs.

resource "aws_api_gateway_account" "this" {
  count = var.api_gateway_log_role ? 1 : 0

  cloudwatch_role_arn = aws_iam_role.api_gateway[0].arn

  lifecycle {
    prevent_destroy = true # other APIs would stop logging
  }

  depends_on = [aws_iam_role_policy_attachment.api_gateway]
}

resource "aws_iam_role" "api_gateway" {
  count = var.api_gateway_log_role ? 1 : 0

  name_prefix          = "${var.name}-gw-" # a role that an earlier deployment left keeps its name
  description          = "All APIs of the account write their logs with it"
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # AWS does not say whether API Gateway names the account.
      Condition = { StringEqualsIfExists = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "api_gateway" {
  count = var.api_gateway_log_role ? 1 : 0

  role       = aws_iam_role.api_gateway[0].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}
