# There is no provider block here, so that this folder can be applied as it is,
# with Region and credentials from the environment, and also be called as a
# module, with count, for_each and a provider of the caller's.

terraform {
  required_version = ">= 1.9" # validations that refer to other variables

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
