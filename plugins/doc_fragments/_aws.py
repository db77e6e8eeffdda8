# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options for AWS credentials and requests."""

    # The options of amazon.aws's lookups have the same names here (a test compares them). Its own fragment is not used:
    # it differs between versions, and describes regions, endpoints and session tokens in another way.
    PLUGINS = r"""
options:
  access_key:
    description:
      - AWS access key ID.
      - Without an access key and a profile, boto3 searches its default sources, from its configuration files to the IAM
        role of the machine or pod.
      - Mutually exclusive with O(profile), also if one of them is set in the environment. An empty string counts as not
        set, and overrides a variable.
    type: str
    aliases: ['aws_access_key_id', 'aws_access_key']
    env:
      - name: AWS_ACCESS_KEY_ID
      - name: AWS_ACCESS_KEY
  secret_key:
    description:
      - AWS secret access key.
    type: str
    aliases: ['aws_secret_access_key', 'aws_secret_key']
    env:
      - name: AWS_SECRET_ACCESS_KEY
      - name: AWS_SECRET_KEY
  session_token:
    description:
      - The session token of a temporary AWS access key.
      - If the AWS access key is set as an option, the environment's session token is not used.
    type: str
    aliases: ['aws_session_token']
    env:
      - name: AWS_SESSION_TOKEN
      - name: AWS_SECURITY_TOKEN
  profile:
    description:
      - A profile of the AWS configuration files on the control node.
      - Mutually exclusive with O(access_key), O(secret_key) and O(session_token).
    type: str
    aliases: ['aws_profile']
    env:
      - name: AWS_PROFILE
      - name: AWS_DEFAULT_PROFILE
  endpoint_url:
    description:
      - URL to use in place of that of the ECR Public API.
      - It is used for ECR Public only, never for STS. For STS set E(AWS_ENDPOINT_URL_STS), which boto3 reads.
      - Without this option boto3 reads E(AWS_ENDPOINT_URL_ECR_PUBLIC) and E(AWS_ENDPOINT_URL).
    type: str
    aliases: ['aws_endpoint_url']
    env:
      - name: AWS_URL
  region:
    description:
      - Ignored, with a warning. The ECR Public API exists in C(us-east-1) only and is called there. E(AWS_REGION),
        E(AWS_DEFAULT_REGION) and the region of the profile or of O(aws_config) are not used.
    type: str
    aliases: ['aws_region']
  validate_certs:
    description:
      - Verify the certificates of AWS. Without verification, anyone on the network path can read the token. Use
        O(aws_ca_bundle) instead.
    type: bool
    default: true
  aws_ca_bundle:
    description:
      - File with the certificate authorities that verify AWS's certificates.
    type: path
    env:
      - name: AWS_CA_BUNDLE
  aws_config:
    description:
      - Settings of botocore. They override those of this collection, which are standard retries, 10 seconds to connect
        and 30 seconds for a response.
      - See U(https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html#botocore.config.Config).
    type: dict
  assume_role_arn:
    description:
      - ARN of an IAM role to assume first, with one call of STS. The token is then requested as that role.
      - The other credentials need the permission C(sts:AssumeRole) on this role.
    type: str
    aliases: ['iam_role_arn']
  assume_role_external_id:
    description:
      - The external ID that the trust policy of O(assume_role_arn) requires.
    type: str
  assume_role_session_name:
    description:
      - Name of the session in CloudTrail.
    type: str
    default: freshpull-ecr-public
  assume_role_session_policy:
    description:
      - Limit the session of O(assume_role_arn) to the two actions that a token needs,
        C(ecr-public:GetAuthorizationToken) and C(sts:GetServiceBearerToken), even if the role has more permissions.
      - A token has the permissions of the session that requested it. With this limit a token cannot push images.
      - The role of a profile (C(role_arn) in the AWS configuration) is not limited by this option.
    type: bool
    default: true
"""
