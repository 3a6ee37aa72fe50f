//! Groups of schedules.

use scheduler_api::op::{CreateScheduleGroup, DeleteScheduleGroup, GetScheduleGroup, ListSchedules};
use scheduler_api::{
    CreateScheduleGroupInput, CreateScheduleInput, DeleteScheduleGroupInput, GetScheduleGroupInput,
    ListSchedulesInput,
};
use shapes::ApiError;

use crate::kit::{MINUTE, Region};

async fn create(region: &Region, name: &str) -> Result<(), ApiError> {
    let input = CreateScheduleGroupInput { name: name.to_owned(), ..Default::default() };
    region.region.call::<CreateScheduleGroup>(input).await.map(|_| ())
}

async fn delete(region: &Region, name: &str) -> Result<(), ApiError> {
    let input = DeleteScheduleGroupInput { name: name.to_owned(), ..Default::default() };
    region.region.call::<DeleteScheduleGroup>(input).await.map(|_| ())
}

fn of(group: &str) -> impl FnOnce(&mut CreateScheduleInput) {
    let group = group.to_owned();
    move |input| input.group_name = Some(group)
}

#[tokio::test]
async fn deleting_a_group_ends_its_schedules_and_no_others() {
    let region = Region::start().await;
    create(&region, "team").await.unwrap();
    create(&region, "team-b").await.unwrap();
    for group in ["team", "team-b", "default"] {
        region.create("s", "rate(1 minute)", of(group)).await.unwrap();
    }
    region.step(MINUTE, 1).await;
    assert_eq!(region.times().await.len(), 3);
    delete(&region, "team").await.unwrap();
    region.step(MINUTE, 1).await;
    assert_eq!(region.times().await.len(), 2);
    let list = async |group: Option<&str>| {
        let input = ListSchedulesInput { group_name: group.map(str::to_owned), ..Default::default() };
        region.region.call::<ListSchedules>(input).await.map(|output| output.schedules.len())
    };
    assert_eq!(list(None).await.unwrap(), 2);
    assert_eq!(list(Some("team-b")).await.unwrap(), 1);
    let input = GetScheduleGroupInput { name: "team".to_owned() };
    let gone = region.region.call::<GetScheduleGroup>(input).await.unwrap_err();
    assert_eq!(gone.name(), "ResourceNotFoundException");
    create(&region, "team").await.expect("the name is free again");
    region.step(MINUTE, 1).await;
    assert_eq!(region.times().await.len(), 2, "its schedules do not come back");
}

#[tokio::test]
async fn groups_have_to_be_there_and_the_default_one_stays() {
    let region = Region::start().await;
    let refused = region.create("s", "rate(1 minute)", of("nobody")).await.unwrap_err();
    assert_eq!(refused.name(), "ResourceNotFoundException");
    create(&region, "team").await.unwrap();
    assert_eq!(create(&region, "team").await.unwrap_err().name(), "ConflictException");
    assert_eq!(delete(&region, "default").await.unwrap_err().name(), "ValidationException");
    assert_eq!(delete(&region, "nobody").await.unwrap_err().name(), "ResourceNotFoundException");
}
