//! What of each resource a patch may change (API Reference, the Update operations' "Patch operations").

use super::{ALL, Field, Kind, Place, REMOVE};
use Kind::{Flag, Number, Set, Text, Whole};

pub(crate) const REST_API: &[Field] = &[
    Field::replaced("/name", Text),
    Field::any("/description", Text),
    Field::any("/version", Text),
    Field::any("/policy", Text).within("definition"),
    Field::replaced("/apiKeySource", Text).within("definition"),
    Field::any("/minimumCompressionSize", Whole).within("definition"),
    Field::any("/binaryMediaTypes", Set).within("definition"),
    Field::replaced("/disableExecuteApiEndpoint", Flag),
    Field::replaced("/endpointConfiguration/ipAddressType", Text),
    Field::any("/endpointConfiguration/types", Set),
    Field::any("/endpointConfiguration/vpcEndpointIds", Set),
];

pub(crate) const RESOURCE: &[Field] =
    &[Field::replaced("/parentId", Text), Field::replaced("/pathPart", Text)];

pub(crate) const METHOD: &[Field] = &[
    Field::replaced("/apiKeyRequired", Flag),
    Field::replaced("/authorizationType", Text),
    Field::any("/authorizerId", Text),
    Field::any("/authorizationScopes", Set),
    Field::any("/operationName", Text),
    Field::any("/requestModels/{}", Text),
    Field::any("/requestParameters/{}", Flag),
    Field::any("/requestValidatorId", Text),
];

pub(crate) const METHOD_RESPONSE: &[Field] =
    &[Field::any("/responseModels/{}", Text), Field::any("/responseParameters/{}", Flag)];

pub(crate) const INTEGRATION: &[Field] = &[
    Field::replaced("/httpMethod", Text),
    Field::replaced("/uri", Text),
    Field::replaced("/type", Text),
    Field::any("/credentials", Text),
    Field::any("/requestParameters/{}", Text),
    Field::any("/requestTemplates/{}", Text),
    Field::replaced("/passthroughBehavior", Text),
    Field::any("/contentHandling", Text),
    Field::replaced("/timeoutInMillis", Whole),
    Field::any("/cacheNamespace", Text),
    Field::any("/cacheKeyParameters", Set),
    Field::replaced("/connectionType", Text),
    Field::replaced("/connectionId", Text),
    Field::replaced("/tlsConfig/insecureSkipVerification", Flag),
];

pub(crate) const INTEGRATION_RESPONSE: &[Field] = &[
    Field::any("/selectionPattern", Text),
    Field::any("/contentHandling", Text),
    Field::any("/responseParameters/{}", Text),
    Field::any("/responseTemplates/{}", Text),
];

pub(crate) const DEPLOYMENT: &[Field] = &[Field::any("/description", Text)];

pub(crate) const STAGE: &[Field] = &[
    Field::replaced("/deploymentId", Text),
    Field::any("/description", Text),
    Field::any("/variables/{}", Text),
    Field::any("/documentationVersion", Text),
    Field::any("/clientCertificateId", Text),
    Field::replaced("/tracingEnabled", Flag),
    Field::replaced("/cacheClusterEnabled", Flag),
    Field::replaced("/cacheClusterSize", Text),
    Field::any("/accessLogSettings/destinationArn", Text),
    Field::any("/accessLogSettings/format", Text),
    Field::removed("/accessLogSettings"),
    Field::setting("/{}/{}/metrics/enabled", "metricsEnabled", Flag),
    Field::setting("/{}/{}/logging/loglevel", "loggingLevel", Text),
    Field::setting("/{}/{}/logging/dataTrace", "dataTraceEnabled", Flag),
    Field::setting("/{}/{}/throttling/burstLimit", "throttlingBurstLimit", Whole),
    Field::setting("/{}/{}/throttling/rateLimit", "throttlingRateLimit", Number),
    Field::setting("/{}/{}/caching/enabled", "cachingEnabled", Flag),
    Field::setting("/{}/{}/caching/ttlInSeconds", "cacheTtlInSeconds", Whole),
    Field::setting("/{}/{}/caching/dataEncrypted", "cacheDataEncrypted", Flag),
    Field::setting(
        "/{}/{}/caching/requireAuthorizationForCacheControl",
        "requireAuthorizationForCacheControl",
        Flag,
    ),
    Field::setting(
        "/{}/{}/caching/unauthorizedCacheControlHeaderStrategy",
        "unauthorizedCacheControlHeaderStrategy",
        Text,
    ),
    Field { path: "/{}/{}", ops: REMOVE, kind: Kind::Whatever, place: Place::MethodSetting("") },
];

pub(crate) const MODEL: &[Field] = &[Field::any("/description", Text), Field::replaced("/schema", Text)];

pub(crate) const REQUEST_VALIDATOR: &[Field] = &[
    Field::replaced("/name", Text),
    Field::replaced("/validateRequestBody", Flag),
    Field::replaced("/validateRequestParameters", Flag),
];

pub(crate) const AUTHORIZER: &[Field] = &[
    Field::replaced("/name", Text),
    Field::replaced("/type", Text),
    Field::replaced("/authType", Text),
    Field::replaced("/authorizerUri", Text),
    Field::any("/authorizerCredentials", Text),
    Field::any("/identitySource", Text),
    Field::any("/identityValidationExpression", Text),
    Field::replaced("/authorizerResultTtlInSeconds", Whole),
    Field::listed("/providerARNs"),
];

pub(crate) const GATEWAY_RESPONSE: &[Field] = &[
    Field::any("/statusCode", Text),
    Field::any("/responseParameters/{}", Text),
    Field::any("/responseTemplates/{}", Text),
];

pub(crate) const DOCUMENTATION_PART: &[Field] = &[Field::replaced("/properties", Text)];

pub(crate) const DOCUMENTATION_VERSION: &[Field] = &[Field::any("/description", Text)];

pub(crate) const API_KEY: &[Field] = &[
    Field::any("/name", Text),
    Field::any("/description", Text),
    Field::any("/customerId", Text),
    Field::replaced("/enabled", Flag),
    Field { path: "/stages", ops: ALL, kind: Set, place: Place::Same },
];

pub(crate) const USAGE_PLAN: &[Field] = &[
    Field::replaced("/name", Text),
    Field::any("/description", Text),
    Field::any("/productCode", Text),
    Field::any("/throttle/burstLimit", Whole),
    Field::any("/throttle/rateLimit", Number),
    Field::removed("/throttle"),
    Field::any("/quota/limit", Whole),
    Field::any("/quota/offset", Whole),
    Field::any("/quota/period", Text),
    Field::removed("/quota"),
];

pub(crate) const ACCOUNT: &[Field] = &[Field::any("/cloudwatchRoleArn", Text)];
