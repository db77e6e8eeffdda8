# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Options for asking AWS."""

    # Those of amazon.aws's lookups have the names that they have there (a test compares them). Its own fragment is not
    # used: it differs from version to version, and says other things of regions, endpoints and session tokens.
    PLUGINS = r"""
options:
  access_key:
    description:
      - AWS access key ID.
      - Without keys and profile, boto3 looks for credentials as it always does, from its configuration files to the IAM
        role of the machine or pod.
      - Mutually exclusive with O(profile), also when one comes from the environment. An empty string counts as not
        given, so that an option can blank a variable.
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
      - The session token that goes with a temporary access key.
      - When the access key is given as an option, the environment's session token is not used with it.
    type: str
    aliases: ['aws_session_token']
    env:
      - name: AWS_SESSION_TOKEN
      - name: AWS_SECURITY_TOKEN
  profile:
    description:
      - A profile of the AWS configuration files on the controller.
      - Mutually exclusive with O(access_key), O(secret_key) and O(session_token).
    type: str
    aliases: ['aws_profile']
    env:
      - name: AWS_PROFILE
      - name: AWS_DEFAULT_PROFILE
  endpoint_url:
    description:
      - URL to ask instead of that of the ECR Public API.
      - It is used for ECR Public only, never for STS. For STS set E(AWS_ENDPOINT_URL_STS), which boto3 honours.
      - Without it boto3 honours E(AWS_ENDPOINT_URL_ECR_PUBLIC) and E(AWS_ENDPOINT_URL).
    type: str
    aliases: ['aws_endpoint_url']
    env:
      - name: AWS_URL
  region:
    description:
      - Ignored, with a warning. The ECR Public API lives in C(us-east-1) only, and is asked there whatever
        E(AWS_REGION), E(AWS_DEFAULT_REGION), the profile or O(aws_config) say.
    type: str
    aliases: ['aws_region']
  validate_certs:
    description:
      - Whether the certificates of AWS are checked. Turning it off lets anyone on the way read the token; use
        O(aws_ca_bundle) instead.
    type: bool
    default: true
  aws_ca_bundle:
    description:
      - File with the certificate authorities that AWS's certificates are checked against.
    type: path
    env:
      - name: AWS_CA_BUNDLE
  aws_config:
    description:
      - Settings of botocore, over those of this collection, which are standard retries, 10 seconds to connect and 30
        seconds for an answer.
      - See U(https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html#botocore.config.Config).
    type: dict
  assume_role_arn:
    description:
      - ARN of an IAM role to assume first, with one call of STS; the token is then fetched as that role.
      - The other credentials need the right C(sts:AssumeRole) on it.
    type: str
    aliases: ['iam_role_arn']
  assume_role_external_id:
    description:
      - The external ID that the trust policy of O(assume_role_arn) asks for.
    type: str
  assume_role_session_name:
    description:
      - Name of the session, as CloudTrail shows it.
    type: str
    default: freshpull-ecr-public
  assume_role_session_policy:
    description:
      - Whether the session of O(assume_role_arn) is limited to the two actions that a token needs,
        C(ecr-public:GetAuthorizationToken) and C(sts:GetServiceBearerToken), whatever more the role may do.
      - A token carries the rights of the session that fetched it, so this keeps a token from being good for pushing.
      - A role that a profile assumes by itself (C(role_arn) in the AWS configuration) is not limited by it.
    type: bool
    default: true
"""
