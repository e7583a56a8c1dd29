# The clients of the API: a user pool without users, only with machine clients.

resource "aws_cognito_user_pool" "this" {
  name                = var.name
  deletion_protection = var.deletion_protection ? "ACTIVE" : "INACTIVE"

  admin_create_user_config {
    allow_admin_create_user_only = true # nobody can sign up
  }
}

resource "aws_cognito_user_pool_domain" "this" {
  domain       = "${var.name}-${local.account}" # must be unique in the Region
  user_pool_id = aws_cognito_user_pool.this.id
}

resource "aws_cognito_resource_server" "sms" {
  identifier   = "sms"
  name         = "sms"
  user_pool_id = aws_cognito_user_pool.this.id

  dynamic "scope" {
    for_each = local.scopes
    content {
      scope_name        = scope.key
      scope_description = scope.value
    }
  }
}

resource "aws_cognito_user_pool_client" "this" {
  for_each = var.clients

  name                                 = each.key
  user_pool_id                         = aws_cognito_user_pool.this.id
  generate_secret                      = true
  allowed_oauth_flows                  = ["client_credentials"]
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_scopes                 = [for s in sort(each.value.scopes) : "${aws_cognito_resource_server.sms.identifier}/${s}"]
  explicit_auth_flows                  = ["ALLOW_REFRESH_TOKEN_AUTH"] # no flow that a user could use; an empty list would mean Cognito's defaults, which include some
  prevent_user_existence_errors        = "ENABLED"
  enable_token_revocation              = true
  access_token_validity                = 60

  token_validity_units {
    access_token = "minutes"
  }

  # Because of create_before_destroy, Terraform takes a removed client from the table first,
  # which ends the client's tokens.
  lifecycle {
    create_before_destroy = true
  }
}

locals {
  scopes = {
    read = "See messages"
    send = "Send messages"
  }
}
