"""Tokens that say by their beginning whose they are. Sources: the makers' own documentation of their key formats.

Bounds are generous at the end: makers lengthen their keys more often than they shorten them.
"""

from bot.recorder.secret_shape import SecretPattern, token

TOKENS: tuple[SecretPattern, ...] = (
    # Clouds
    token("aws_access_key", "AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    token("aws_bedrock_key", "ABSK bedrock-api-key-", r"(?:ABSK|bedrock-api-key-)[A-Za-z0-9+/=]{40,400}"),
    token("google_key", "AIza", r"AIza[0-9A-Za-z_-]{35}"),
    token("google_token", "ya29. GOCSPX-", r"(?:ya29\.|GOCSPX-)[0-9A-Za-z_.-]{20,500}"),
    token("azure_client_secret", "Q~", r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,40}"),
    token("alibaba_key", "LTAI", r"LTAI[A-Za-z0-9]{12,30}(?![A-Za-z0-9])"),
    token("tencent_key", "AKID", r"AKID[A-Za-z0-9]{13,40}(?![A-Za-z0-9])"),
    token("digitalocean_token", "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    token("heroku_key", "HRKU-", r"HRKU-[A-Za-z0-9_-]{30,80}"),
    token("fly_token", "fo1_ fm1_ fm2_", r"(?:fo1|fm[12])_[A-Za-z0-9_+/=-]{30,2000}"),
    token("planetscale_token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{30,80}"),
    token("supabase_key", "sbp_ sb_secret_", r"(?:sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{20,80})"),
    token("vercel_token", "vcp_ vck_ vca_ vci_ vcr_", r"vc[pkair]_[A-Za-z0-9]{24,100}"),
    token("netlify_token", "nfp_ nfo_", r"nf[po]_[A-Za-z0-9]{36,60}"),
    token("neon_key", "napi_", r"napi_[a-z0-9]{40,80}"),
    token("cloudflare_key", "v1.0-", r"v1\.0-[0-9a-f]{24}-[0-9a-f]{146}"),
    token("databricks_token", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?"),
    token("openshift_token", "sha256~", r"sha256~[A-Za-z0-9_-]{43}"),
    # Models and what stands around them
    token("anthropic_key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{16,300}"),
    token("openai_key", "sk-", r"sk-(?=[A-Za-z_-]{0,300}\d)[A-Za-z0-9_-]{20,300}"),
    token("model_provider_key", "gsk_ xai- pplx- r8_", r"(?:gsk_|xai-|pplx-|r8_)[A-Za-z0-9]{30,200}"),
    token(
        "model_provider_key",
        "nvapi- tgp_v1_ csk- esecret_ fw_ jina_",
        r"(?:nvapi-|tgp_v1_)(?=[A-Za-z_-]{0,100}\d)[A-Za-z0-9_-]{24,200}"
        r"|(?:csk-|esecret_|fw_|jina_)(?=[A-Za-z]{0,100}\d)[A-Za-z0-9]{22,200}",
    ),
    token("huggingface_token", "hf_ api_org_", r"(?:hf_|api_org_)[A-Za-z0-9]{30,200}"),
    token("langfuse_key", "sk-lf-", r"sk-lf-[0-9a-f-]{36}"),
    token("langsmith_key", "lsv2_", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    token("logfire_token", "pylf_v", r"pylf_v\d_[A-Za-z0-9_-]{30,120}"),
    token("pinecone_key", "pcsk_", r"pcsk_[A-Za-z0-9_-]{40,120}"),
    token(
        "search_api_key",
        "tvly- fc- BSA",
        r"(?:tvly-(?:dev-|prod-)?[A-Za-z0-9-]{28,60}|fc-[0-9a-f]{32}|BSA[A-Za-z0-9_-]{26,32})",
    ),
    token(
        "sandbox_key",
        "e2b_ bb_live_ apify_api_",
        r"(?:e2b_[0-9a-f]{40}|bb_live_[A-Za-z0-9_-]{20,60}|apify_api_[A-Za-z0-9]{30,60})",
    ),
    # Code and packages
    token("github_token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{30,255}"),
    token("github_token", "github_pat_", r"github_pat_[A-Za-z0-9_]{22,255}"),
    token("gitlab_token", "glpat- glrt- gldt-", r"gl(?:pat|rt|dt)-[A-Za-z0-9_.-]{20,300}"),
    token(
        "gitlab_token",
        "glptt- glcbt- glsoat- glft- glimt- glagent- glffct- glwt-",
        r"gl(?:ptt|cbt|soat|ft|imt|agent|ffct|wt)-[A-Za-z0-9_.-]{20,300}",
    ),
    token("bitbucket_token", "ATBB ATCTT3", r"(?:ATBB|ATCTT3)[A-Za-z0-9_=-]{28,400}"),
    token("package_token", "npm_ pypi-", r"(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,300})"),
    token(
        "package_token",
        "rubygems_ oy2 cio CLOJARS_",
        r"(?:rubygems_[0-9a-f]{48}|oy2[a-z0-9]{43}|cio[A-Za-z0-9]{32}(?![A-Za-z0-9])|CLOJARS_[a-z0-9]{60})",
    ),
    token("artifactory_key", "AKCp cmVmdGtu", r"(?:AKCp[A-Za-z0-9]{69}|cmVmdGtu[A-Za-z0-9]{56})"),
    token("docker_token", "dckr_pat_ dckr_oat_", r"dckr_[po]at_[A-Za-z0-9_-]{20,60}"),
    token("ci_token", "CCIPAT_ CCIPRJ_ bkua_", r"(?:CCI(?:PAT|PRJ)_[A-Za-z0-9_]{30,120}|bkua_[0-9a-f]{40})"),
    token("sonar_token", "squ_ sqp_ sqa_", r"sq[upa]_[0-9a-f]{40}"),
    token("sourcegraph_token", "sgp_", r"sgp_[A-Za-z0-9_]{40,100}"),
    token("postman_key", "PMAK-", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    token("readme_key", "rdme_", r"rdme_[a-z0-9]{70}"),
    # Keeping secrets, and infrastructure
    token("vault_token", "hvs. hvb. hvr.", r"hv[sbr]\.[A-Za-z0-9_-]{24,300}"),
    token("terraform_token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,80}"),
    token("doppler_token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
    token("onepassword_token", "ops_eyJ", r"ops_eyJ[A-Za-z0-9_=+/-]{40,2000}"),
    token("age_key", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    token("pulumi_token", "pul-", r"pul-[0-9a-f]{40}"),
    token("prefect_key", "pnu_ pnb_", r"pn[ub]_[A-Za-z0-9]{36}"),
    token("tailscale_key", "tskey-", r"tskey-[a-z]{2,10}-[A-Za-z0-9-]{15,100}"),
    # Watching
    token("grafana_token", "glsa_ glc_", r"(?:glsa|glc)_[A-Za-z0-9_+/=]{32,400}"),
    token("new_relic_key", "NRAK-", r"NRAK-[A-Z0-9]{27}"),
    token("new_relic_key", "NRII- NRJS- NRBR-", r"NR(?:II|JS|BR)-[A-Za-z0-9-]{19,40}"),
    token("sentry_token", "sntrys_ sntryu_ sntryi_", r"sntry[sui]_[A-Za-z0-9_=+/-]{40,400}"),
    token("dynatrace_token", "dt0c01. dt0s", r"dt0[cs]\d\d\.[A-Z0-9]{8,24}\.[A-Z0-9]{64}"),
    token("honeycomb_key", "hcaik_ hcaic_ hcxik_ hcxmk_", r"hc[ax](?:ik|ic|mk)_[a-z0-9]{50,70}"),
    # Money
    token("stripe_key", "_live_ _test_", r"(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,250}"),
    token("webhook_secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{16,200}"),
    token("square_token", "sq0", r"sq0[a-z]{3}-[A-Za-z0-9_-]{22,60}"),
    token("square_token", "EAAA", r"EAAA[A-Za-z0-9_-]{58,62}(?![A-Za-z0-9_-])"),
    token("shopify_token", "shp", r"shp(?:at|ca|pa|ss|ua)_[0-9a-fA-F]{32}"),
    token(
        "plaid_token",
        "access-sandbox- access-production- access-development-",
        r"access-(?:sandbox|production|development)-[0-9a-f-]{36}",
    ),
    token("flutterwave_key", "FLWSECK", r"FLWSECK(?:_TEST)?-[A-Za-z0-9-]{12,64}"),
    token(
        "payment_key",
        "shippo_live_ shippo_test_ EZAK EZTK duffel_",
        r"(?:shippo_(?:live|test)_[0-9a-f]{40}|EZ[AT]K[A-Za-z0-9]{54}|duffel_(?:live|test)_[A-Za-z0-9_=-]{43})",
    ),
    # Messages and mail
    token("slack_token", "xox xapp- xwfp-", r"(?:xox[abeoprs]|xapp|xwfp)-[A-Za-z0-9.-]{10,400}"),
    token("telegram_token", ":AA", r"\d{8,10}:AA[A-Za-z0-9_-]{33}"),
    token("twilio_key", "SK", r"SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    token("sendgrid_key", "SG.", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
    token("mailgun_key", "key-", r"key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    token(
        "mail_api_key",
        "xkeysib- re_",
        r"(?:xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24})",
    ),
    token("facebook_token", "EAA", r"EAA[MC][A-Za-z0-9]{80,300}"),
    # Offices
    token("atlassian_token", "ATATT3", r"ATATT3[A-Za-z0-9_=-]{50,300}"),
    token("linear_key", "lin_api_ lin_oauth_", r"lin_(?:api|oauth)_[A-Za-z0-9]{30,64}"),
    token("notion_token", "ntn_ secret_", r"(?:ntn_[A-Za-z0-9]{40,60}|secret_[A-Za-z0-9]{43})(?![A-Za-z0-9])"),
    token("figma_token", "figd_", r"figd_[A-Za-z0-9_-]{20,100}"),
    token("airtable_token", "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    token("hubspot_token", "pat-", r"pat-(?:na|eu|ap)\d-[0-9a-f]{8}-[0-9a-f-]{27}"),
    token("dropbox_token", "sl.", r"sl\.(?:u\.)?[A-Za-z0-9_-]{100,2000}"),
    token("typeform_token", "tfp_", r"tfp_[A-Za-z0-9_.=-]{44,80}"),
)  # fmt: skip
