# The module. It has no provider block, so that it can be called with count,
# for_each and the caller's provider. deployment/ is a root that calls it.

terraform {
  required_version = ">= 1.9" # validations refer to other variables

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
